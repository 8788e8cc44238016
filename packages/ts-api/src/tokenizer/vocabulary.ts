import { join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { decodeUtf8, readJsonFile, readSmallFile } from "../io/index.ts";

const CODE = "ERR_FINETAG_MODEL";

/**
 * Reads a `vocab.txt`: one token per line, whose id is the line's number from 0. As the Rust core does, white space at the end
 * of a line is dropped, and of two equal tokens the later counts.
 *
 * @throws ERR_FINETAG_MODEL for a file that is empty or not UTF-8.
 */
export async function readVocabTxt(path: string): Promise<Record<string, number>> {
  const lines = await readLines(path);
  if (lines.length === 0)
    throw new FinetagError(CODE, `${path}: is empty; use the vocabulary of the weights`);
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, line] of lines.entries()) vocab[line.replace(/\p{White_Space}+$/u, "")] = id;
  return vocab;
}

/** Reads `vocab.json`: ids by token. */
export async function readVocabJson(dir: string): Promise<Record<string, number>> {
  const path = join(dir, "vocab.json");
  const json = await readJsonFile(path, CODE);
  if (isVocabulary(json)) return json;
  throw new FinetagError(CODE, `${path}: not an object of ids by token; use the vocabulary of the weights`);
}

/** True for ids by token. */
export function isVocabulary(json: unknown): json is Record<string, number> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return false;
  const ids = Object.values(json);
  return ids.length > 0 && ids.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31);
}

/** Reads `merges.txt`: one pair per line, the most frequent first. */
export async function readMerges(dir: string, vocab: Record<string, number>): Promise<[string, string][]> {
  const path = join(dir, "merges.txt");
  const merges: [string, string][] = [];
  const lines = await readLines(path);
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("#version")) continue;
    const [left, right, more] = line.split(" ");
    if (!left || !right || more !== undefined) {
      throw new FinetagError(
        CODE,
        `${path}:${index + 1}: not two tokens with a space between; use the file of the weights`,
      );
    }
    for (const token of [left, right, left + right]) {
      if (Object.hasOwn(vocab, token)) continue;
      throw new FinetagError(
        CODE,
        `${path}:${index + 1}: ${JSON.stringify(token)} is not in vocab.json; use files that belong together`,
      );
    }
    merges.push([left, right]);
  }
  return merges;
}

/** The largest vocabulary known, XLM-V's, has 902 thousand tokens. */
const LINES_LIMIT = 4_000_000;

async function readLines(path: string): Promise<string[]> {
  const bytes = await readSmallFile(path, CODE);
  let lines = 0;
  for (const byte of bytes) if (byte === 0x0a) lines++;
  if (lines <= LINES_LIMIT) return splitLines(decode(bytes, path));
  throw new FinetagError(
    CODE,
    `${path}: ${lines} lines are more than any vocabulary has; use the file of the weights`,
  );
}

/** A byte order mark stays: the Rust core takes it as a part of the first token. */
function decode(bytes: Uint8Array, path: string): string {
  const text = decodeUtf8(bytes, path, CODE);
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? `\ufeff${text}` : text;
}

/** A line ends with a line feed, or a carriage return and one; what follows the last is a line unless it is empty. */
function splitLines(text: string): string[] {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
