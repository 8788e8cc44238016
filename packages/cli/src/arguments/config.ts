import { readFile } from "node:fs/promises";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import type { Flag } from "./flags.ts";
import { toCamel } from "./names.ts";
import type { Given } from "./read.ts";
import { suggest } from "./suggest.ts";

/**
 * Reads a `--config` file. JSON is read by the same parser, since YAML 1.2 contains it, so both have line numbers.
 *
 * @param flags the options it may set, under their camelCase or kebab-case names.
 * @throws UsageError with file and line.
 */
export async function readConfig(path: string, flags: readonly Flag[]): Promise<Map<string, Given>> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new UsageError(
      reason === "ERR_ENCODING_INVALID_ENCODED_DATA"
        ? `${path}: not UTF-8; save it as UTF-8`
        : `${path}: cannot read the config file (${reason}); check the path`,
    );
  }
  return parseConfig(path, text, flags);
}

export function parseConfig(path: string, text: string, flags: readonly Flag[]): Map<string, Given> {
  const lineCounter = new LineCounter();
  const lineOf = (offset: number | undefined) => lineCounter.linePos(offset ?? 0).line;
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new UsageError(`${path}:${lineOf(mistake.pos[0])}: ${mistake.message}`);

  const given = new Map<string, Given>();
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return given;
  if (!isMap(contents)) {
    throw new UsageError(
      `${path}:${lineOf(contents.range?.[0])}: must contain options, one \`key: value\` per line`,
    );
  }
  const values = document.toJS() as Record<string, unknown>;
  const known = new Map(flags.map((flag) => [flag.key, flag]));
  for (const { key: node } of contents.items) {
    const written = isScalar(node) ? String(node.value) : String(node);
    const line = lineOf(isScalar(node) ? node.range?.[0] : undefined);
    if (written === "$schema") continue;
    const flag = known.get(toCamel(written));
    if (flag === undefined) throw unknownKey(path, line, written, flags);
    if (given.has(flag.key))
      throw new UsageError(`${path}:${line}: "${written}" is given twice; give it once`);
    const value = values[written];
    given.set(flag.key, { value, place: `${path}:${line}: ${written}: ${JSON.stringify(value)}` });
  }
  return given;
}

function unknownKey(path: string, line: number, written: string, flags: readonly Flag[]): UsageError {
  const near = suggest(
    written,
    flags.map((flag) => flag.name),
  );
  const spelling = near !== undefined && !written.includes("-") ? toCamel(near) : near;
  const hint = spelling === undefined ? "see finetag train --help" : `did you mean "${spelling}"?`;
  return new UsageError(`${path}:${line}: unknown key "${written}"; ${hint}`);
}
