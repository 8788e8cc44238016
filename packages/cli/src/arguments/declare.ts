import type { Argv } from "yargs";
import type { Flag } from "./flags.ts";

/**
 * Declares options to yargs: their help texts, and which of them take a value. Values stay text and are checked by the
 * schema, so that all errors look alike. yargs gets types and choices only when it prints help, because it would turn a
 * wrong number into NaN and lose what the user wrote. Help texts, too, are only given when help is printed: yargs lays
 * out the help of every command that it runs, which takes a tenth of a second.
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

/** Options named in the description are shown as flags. */
function describe({ name, kind, description, defaultText }: Flag, flags: readonly Flag[]): string {
  const text = description.replaceAll(/`(\w+)`/g, (code, key: string) => {
    const named = flags.find((flag) => flag.key === key);
    return named === undefined ? code : `--${named.name}`;
  });
  if (kind === "boolean" && defaultText !== undefined) return `${text} (--no-${name} turns this off)`;
  return kind === "list" ? `${text}: a,b,c` : text;
}
