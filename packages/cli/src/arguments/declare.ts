import type { Argv } from "yargs";
import type { Flag } from "./flags.ts";

/**
 * Tells yargs about options: what their help says, and which take a value. Values stay text, for the schema to judge,
 * so that all errors read alike; types and choices are told for help alone, since yargs would turn a wrong number
 * into NaN and lose what was written. What help shows is told for help alone as well: yargs lays out the help of every
 * command that it runs, and takes a tenth of a second for it.
 */
export function declareFlags(yargs: Argv, flags: readonly Flag[], forHelp: boolean): void {
  for (const flag of flags) {
    yargs.option(flag.name, {
      hidden: !forHelp,
      ...(forHelp ? { describe: describe(flag, flags), defaultDescription: flag.defaultText } : {}),
      type: typeOf(flag, forHelp),
      choices: forHelp ? flag.choices : undefined,
      demandOption: forHelp && flag.required,
      requiresArg: flag.kind !== "boolean",
      group: flag.heading === undefined ? undefined : `${flag.heading}:`,
    });
  }
}

function typeOf({ kind, choices }: Flag, forHelp: boolean): "boolean" | "number" | "string" | undefined {
  if (kind === "boolean") return "boolean";
  if (forHelp && (kind === "numberOrText" || choices !== undefined)) return undefined;
  return forHelp && kind === "number" ? "number" : "string";
}

/** Options that the description names are shown as the command line spells them. */
function describe({ name, kind, description, defaultText }: Flag, flags: readonly Flag[]): string {
  const text = description.replaceAll(/`(\w+)`/g, (code, key: string) => {
    const named = flags.find((flag) => flag.key === key);
    return named === undefined ? code : `--${named.name}`;
  });
  if (kind === "boolean" && defaultText !== undefined) return `${text} (--no-${name} turns this off)`;
  return kind === "list" ? `${text}: a,b,c` : text;
}
