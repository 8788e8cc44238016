import { type FileHandle, open } from "node:fs/promises";
import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { shortened, UsageError } from "../errors.ts";
import type { Flag } from "./flags.ts";
import { toCamel } from "./names.ts";
import type { Given } from "./read.ts";
import { suggest } from "./suggest.ts";

/** Even a list of 100,000 labels is smaller. The file may be a pipe, which says no size, or /dev/zero. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Reads a `--config` file. JSON is read by the same parser, since YAML 1.2 contains it, so both have line numbers.
 *
 * @param flags the options it may set, under their camelCase or kebab-case names.
 * @throws UsageError with file and line.
 */
export async function readConfig(path: string, flags: readonly Flag[]): Promise<Map<string, Given>> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new UsageError(
      reason === "ERR_ENCODING_INVALID_ENCODED_DATA"
        ? `${path}: not UTF-8; save it as UTF-8`
        : `${path}: cannot read the config file (${reason}); check the path`,
    );
  }
  return parseConfig(path, text, flags);
}

async function readBytes(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const pieces: Buffer[] = [];
    for await (const piece of piecesOf(handle)) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (bytes.length <= MOST_BYTES) return bytes;
    throw new UsageError(
      `${path}: more than ${MOST_BYTES} bytes, too many for a config file; check the path`,
    );
  } finally {
    await handle.close();
  }
}

async function* piecesOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let left = MOST_BYTES + 1; left > 0; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(left, 1 << 16)));
    if (bytesRead === 0) return;
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export function parseConfig(path: string, text: string, flags: readonly Flag[]): Map<string, Given> {
  const lineCounter = new LineCounter();
  const lineOf = (offset: number | undefined) => lineCounter.linePos(offset ?? 0).line;
  const refuse = (offset: number | undefined, what: string) =>
    new UsageError(`${path}:${lineOf(offset)}: ${what}`);
  const deep = deepPlace(text);
  if (deep !== undefined) {
    const line = text.slice(0, deep).split("\n").length;
    throw new UsageError(
      `${path}:${line}: its values are nested too deep; write one \`key: value\` per line`,
    );
  }
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw refuse(mistake.pos[0], inOwnWords(mistake.message));

  const given = new Map<string, Given>();
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return given;
  if (!isMap(contents)) throw refuse(contents.range?.[0], "must contain options, one `key: value` per line");
  const values = plainValues(document, refuse);
  const known = new Map(flags.map((flag) => [flag.key, flag]));
  for (const { key: node } of contents.items) {
    const written = isScalar(node) ? String(node.value) : shortened(String(node));
    const line = lineOf(isScalar(node) ? node.range?.[0] : undefined);
    if (written === "$schema") continue;
    const flag = known.get(toCamel(written));
    if (flag === undefined) throw unknownKey(path, line, written, flags);
    if (given.has(flag.key))
      throw new UsageError(`${path}:${line}: "${written}" is given twice; give it once`);
    const value = values[written];
    given.set(flag.key, { value, place: `${path}:${line}: ${written}: ${shown(value)}` });
  }
  return given;
}

/** Options are lists at most. The parser is recursive, and values nested without an end would take the process down. */
const MOST_DEPTH = 100;

/** Where values are nested deeper than any option, in brackets or by indentation; undefined if nowhere. */
function deepPlace(text: string): number | undefined {
  const indented = /^[ \t?-]{200}/m.exec(text)?.index;
  if (indented !== undefined) return indented;
  let depth = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    if (bracket === "]" || bracket === "}") depth = Math.max(0, depth - 1);
    else if (++depth > MOST_DEPTH) return index;
  }
  return undefined;
}

/** A message of the parser that is about its own functions. */
function inOwnWords(message: string): string {
  return /multiple documents/.test(message)
    ? "it holds several documents, each after a ---; keep one"
    : message;
}

/** The document as plain values; aliases (`*name`) stand for what their anchors (`&name`) are. */
function plainValues(
  document: Document,
  refuse: (offset: number | undefined, what: string) => UsageError,
): Record<string, unknown> {
  const anchors = new Set<string>();
  let last: number | undefined;
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      last = node.range?.[0];
      const name = shortened(node.source);
      if (!anchors.has(node.source))
        throw refuse(last, `*${name} stands for nothing; write the value, or &${name} before it`);
    } else if (isNode(node) && "anchor" in node && typeof node.anchor === "string") anchors.add(node.anchor);
  });
  try {
    return document.toJS() as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ReferenceError)
      throw refuse(last, "its aliases (*name) repeat too much; write the values themselves");
    throw refuse(undefined, inOwnWords((error as Error).message));
  }
}

/** A value as in JSON, if JSON can hold it. */
function shown(value: unknown): string {
  try {
    return shortened(JSON.stringify(value) ?? String(value));
  } catch {
    return shortened(String(value));
  }
}

function unknownKey(path: string, line: number, written: string, flags: readonly Flag[]): UsageError {
  const near = suggest(
    written,
    flags.map((flag) => flag.name),
  );
  const spelling = near !== undefined && !written.includes("-") ? toCamel(near) : near;
  const hint = spelling === undefined ? "see finetag train --help" : `did you mean "${spelling}"?`;
  return new UsageError(`${path}:${line}: unknown key "${shortened(written)}"; ${hint}`);
}
