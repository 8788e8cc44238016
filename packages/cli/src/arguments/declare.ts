import type { Argv } from "yargs";
import type { Flag } from "./flags.ts";

/** Booleans that are on unless said otherwise; their help shows how to say so. */
const ON_BY_DEFAULT: ReadonlySet<string> = new Set(["header", "tensorboard", "groupByLength", "tokenCache"]);

/**
 * Tells yargs about options: what their help says, and which take a value. Values stay text, for the schema to judge,
 * so that all errors read alike; types and choices are told for help alone, since yargs would turn a wrong number
 * into NaN and lose what was written. What help shows is told for help alone as well: yargs lays out the help of every
 * command that it runs, and takes a tenth of a second for it.
 */
export function declareFlags(
  yargs: Argv,
  flags: readonly Flag[],
  groups: Record<string, readonly string[]>,
  forHelp: boolean,
): void {
  const ordered = Object.entries(groups).flatMap(([group, keys]) => keys.map((key) => ({ group, key })));
  const rest = flags.filter((flag) => !ordered.some(({ key }) => key === flag.key));
  for (const { group, key } of [...ordered, ...rest.map((flag) => ({ group: undefined, key: flag.key }))]) {
    const flag = flags.find((each) => each.key === key);
    if (flag === undefined) throw new Error(`no option "${key}" for the group "${group}"`);
    yargs.option(flag.name, {
      hidden: !forHelp,
      ...(forHelp ? { describe: describe(flag), defaultDescription: flag.defaultText } : {}),
      type: typeOf(flag, forHelp),
      choices: forHelp ? flag.choices : undefined,
      demandOption: forHelp && flag.required,
      requiresArg: flag.kind !== "boolean",
      group: group === undefined ? undefined : `${group}:`,
    });
  }
}

function typeOf({ kind, choices }: Flag, forHelp: boolean): "boolean" | "number" | "string" | undefined {
  if (kind === "boolean") return "boolean";
  if (forHelp && (kind === "numberOrText" || choices !== undefined)) return undefined;
  return forHelp && kind === "number" ? "number" : "string";
}

function describe({ key, name, kind, description }: Flag): string {
  if (ON_BY_DEFAULT.has(key)) return `${description}; --no-${name}: it does not`;
  return kind === "list" ? `${description}: a,b,c` : description;
}
