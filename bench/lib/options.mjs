// Options of a benchmark: parsed, checked, and every error in one line.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reportError, SetupError } from "../../scripts/lib/errors.mjs";
import { endAll } from "./children.mjs";

/**
 * Runs a benchmark with its options and a temporary folder.
 *
 * @param help what --help prints
 * @param spec each option's default, whose type is the option's: a number (a count, at least 1), a string, false (a
 *   flag), or a list; `String` and `Number` are options without a default
 * @param main gets the options and the folder
 */
export async function runBenchmark(help, spec, main) {
  let work;
  try {
    const values = readOptions(spec);
    if (values.help) {
      console.log(help);
      return;
    }
    work = mkdtempSync(join(tmpdir(), "finetag-bench-"));
    const remove = () => rmSync(work, { recursive: true, force: true, maxRetries: 3 });
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ]) {
      process.once(signal, () => {
        endAll();
        remove();
        process.exit(code);
      });
    }
    await main(values, work);
  } catch (error) {
    process.exitCode = reportError(error);
  } finally {
    endAll();
    if (work !== undefined) rmSync(work, { recursive: true, force: true, maxRetries: 3 });
  }
}

function readOptions(spec) {
  const options = { help: { type: "boolean", short: "h" } };
  for (const [name, value] of Object.entries(spec)) {
    options[name] = { type: value === false ? "boolean" : "string", multiple: Array.isArray(value) };
  }
  // pnpm passes on the -- that npm needs before a script's options.
  const args = process.argv.slice(2).filter((arg, i) => i > 0 || arg !== "--");
  let given;
  try {
    given = parseArgs({ args, options }).values;
  } catch (error) {
    throw new SetupError(`${error.message.split(". ")[0]}; see --help`);
  }
  const values = { help: given.help ?? false };
  for (const [name, value] of Object.entries(spec)) {
    const isCount = value === Number || typeof value === "number";
    const fallback = typeof value === "function" ? undefined : value;
    if (given[name] === undefined) values[name] = fallback;
    else values[name] = isCount ? count(name, given[name]) : given[name];
  }
  return values;
}

function count(name, text) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new SetupError(`--${name} ${text}: not a whole number of at least 1`);
}

/** The one of `choices` with this name. */
export function choose(option, name, choices) {
  if (Object.hasOwn(choices, name)) return choices[name];
  throw new SetupError(`--${option} ${name}: unknown; use ${Object.keys(choices).join(", ")}`);
}
