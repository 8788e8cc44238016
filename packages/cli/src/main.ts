import { readFileSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import {
  declareFlags,
  flagsOf,
  flagWriter,
  type Given,
  readFlags,
  suggest,
  validate,
} from "./arguments/index.ts";
import { type Command, commands, type Positional } from "./commands/index.ts";
import { type Context, createContext } from "./context.ts";
import {
  describeError,
  EXIT_BAD_INPUT,
  exitCodeOf,
  isFinetagError,
  shortened,
  UsageError,
} from "./errors.ts";

/**
 * Runs a command line and sets `process.exitCode`: 0 for success, 1 for failure, 2 for bad input or usage, 130 and 143
 * after SIGINT and SIGTERM.
 *
 * @param words the arguments, without `node` and the program.
 */
export async function main(words: string[]): Promise<void> {
  const context = createContext();
  try {
    process.exitCode = (await dispatch(words, context)) ?? 0;
  } catch (error) {
    if (context.signal.aborted && (isAborted(error) || context.interruption.cause === "pipe")) {
      process.exitCode = context.interruption.cause === "pipe" ? 0 : context.interruption.exitCode;
      return;
    }
    context.stderr.write(`${describeError(error, context.inFlags)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

async function dispatch(words: string[], context: Context): Promise<number | undefined> {
  checkWorkingDirectory();
  const [first] = words.filter((word) => !word.startsWith("-"));
  const names = commands.map((command) => command.name);
  if (first !== undefined && !names.includes(first)) {
    const near = suggest(first, names);
    const hint = near === undefined ? `the commands are ${names.join(", ")}` : `did you mean ${near}?`;
    throw new UsageError(`unknown command ${shortened(first)}; ${hint}`);
  }
  let exitCode: number | undefined;
  const parser = createParser(words);
  for (const command of commands) {
    addCommand(parser, command, words, context, (code) => {
      exitCode = code;
    });
  }
  if (words.length === 0) {
    context.stderr.write(`${await parser.getHelp()}\n`);
    return EXIT_BAD_INPUT;
  }
  if (first === undefined) refuseStrayOptions(words);
  try {
    await parser.parseAsync();
  } catch (error) {
    throw error instanceof Error && error.name === "YError"
      ? new UsageError(translate(error.message))
      : error;
  }
  return exitCode;
}

/** Paths are relative to it, and much of Node reads it. */
function checkWorkingDirectory(): void {
  try {
    process.cwd();
  } catch {
    throw new UsageError("the working directory no longer exists; change to another folder");
  }
}

function createParser(words: string[]): Argv {
  return yargs(words)
    .scriptName("finetag")
    .locale("en")
    .usage("$0 <command> [options]\n\nFine-tunes BERT-family encoders for multi-label text classification.")
    .parserConfiguration({
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "strip-aliased": true,
    })
    .version(version())
    .alias("help", "h")
    .epilogue('"finetag <command> --help" shows a command\'s options.')
    .wrap(Math.min(process.stdout.columns ?? 100, 120))
    .exitProcess(false)
    .fail((message: string | null, error?: Error) => {
      throw error ?? new UsageError(translate(message ?? "cannot parse the command line"));
    });
}

function addCommand(
  parser: Argv,
  command: Command,
  words: string[],
  context: Context,
  done: (exitCode: number | undefined) => void,
): void {
  const positionals = positionalsOf(command);
  parser.command({
    command: [command.name, ...positionals.map(({ usage }) => usage)].join(" "),
    describe: command.description,
    builder: async (builder) => {
      const action = await command.load();
      const forHelp = words.includes("--help") || words.includes("-h");
      declareFlags(builder, flagsOf(action.schema), forHelp);
      for (const { name, description } of forHelp ? positionals : []) {
        builder.positional(name, { describe: description, default: undefined });
      }
      for (const [example, meaning] of command.examples) builder.example(example, meaning);
      return builder.epilogue(command.epilogue ?? "");
    },
    handler: async (parsed) => {
      const action = await command.load();
      const flags = flagsOf(action.schema);
      context.inFlags = flagWriter([...flags.map(({ key }) => key), ...(action.alsoNames ?? [])], words);
      const names = positionals.map(({ name }) => name);
      let given = readFlags(parsed, flags, words, names);
      const texts = positionalWords(command, parsed);
      const config = given.get("config");
      if (config !== undefined) {
        const { readConfig } = await import("./arguments/config.ts"); // contains a YAML parser, which few commands need
        const settable = flags.filter(({ key }) => key !== "config" && key !== "json");
        given = new Map([...(await readConfig(String(config.value), settable)), ...given]);
      }
      const options = validate(action.schema, given, flags);
      done(await action.run(options, { words: texts, given: valuesOf(given) }, context));
    },
  });
}

function valuesOf(given: ReadonlyMap<string, Given>): Record<string, unknown> {
  return Object.fromEntries([...given].map(([key, { value }]) => [key, value]));
}

function positionalsOf({ positional }: Command): readonly Positional[] {
  return [positional ?? []].flat();
}

/** Includes those after a lone `--`, which yargs stores separately. */
function positionalWords(command: Command, parsed: Record<string, unknown>): string[] {
  const positionals = positionalsOf(command);
  const named = positionals.flatMap(({ name }) => parsed[name] ?? []);
  const [, ...loose] = parsed._ as unknown[];
  const all = [...named, ...loose].map(String);
  const isList = positionals.some(({ usage }) => usage.includes(".."));
  const most = isList ? Number.POSITIVE_INFINITY : positionals.length;
  if (all.length > most) {
    throw new UsageError(
      `unexpected argument "${shortened(all[most]!)}"; see finetag ${command.name} --help`,
    );
  }
  return all;
}

/** Without a command, only finetag's own options are allowed. */
function refuseStrayOptions(words: string[]): void {
  const own = ["--help", "-h", "--version"];
  const stray = words.find((word) => !own.includes(word));
  if (stray !== undefined)
    throw new UsageError(`unknown option ${shortened(stray)}; name a command first, see finetag --help`);
}

function translate(message: string): string {
  const noValue = /^Not enough arguments following: (.+)$/.exec(message);
  if (noValue !== null) {
    return `--${noValue[1]} needs a value; if the value starts with a dash, write --${noValue[1]}=VALUE`;
  }
  return message;
}

function isAborted(error: unknown): boolean {
  return (
    (isFinetagError(error) && error.code === "ERR_FINETAG_ABORTED") ||
    (error instanceof Error && error.name === "AbortError")
  );
}

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
