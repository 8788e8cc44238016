import { isUtf8 } from "node:buffer";
import { stat } from "node:fs/promises";
import type { FinetagError } from "../../../errors/index.ts";
import { dataError, show } from "../../errors.ts";
import { type Contents, readBytes, shellPath } from "../container/index.ts";
import { legacyEncodings } from "./legacy.ts";
import { encodingName } from "./names.ts";
import { countSequences, wholeCharacters } from "./utf8.ts";

/** Windows into a long file, next to its start. */
const WINDOWS = 16;
const WINDOW_BYTES = 64 * 1024;

/** Of the lines that a message shows. */
const SHOWN_CHARACTERS = 24;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** What switches from ASCII to Japanese in ISO-2022-JP, all of whose bytes are ASCII. */
const JAPANESE_SHIFTS = ["\u001b$B", "\u001b$@"];

/**
 * The encoding of a file: the given one; else that of its byte order mark; else UTF-16 or ISO-2022-JP, which show in their
 * bytes; else UTF-8, where a sample of the file is valid, or nearly so: what is wrong in it is then an error where it is read;
 * else the one that fits best.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA where several fit as well; ERR_FINETAG_ARGUMENT for an unknown name.
 */
export async function detectEncoding(contents: Contents, given?: string): Promise<string> {
  const { path, head } = contents;
  const mark = markOf(head);
  if (given !== undefined) {
    const name = encodingName(given);
    if (mark === undefined || mark === name) return name;
    if (/^utf-?16$/i.test(given) && mark.startsWith("utf-16")) return mark;
    const what = `starts with the byte order mark of ${mark}, so it is not ${name}; leave \`encoding\` out`;
    throw dataError(path, undefined, what, "encoding");
  }
  if (mark !== undefined) return mark;
  const wide = head.includes(0) ? utf16Of(head) : undefined;
  if (wide !== undefined) return wide;
  if (isUtf8(head) && JAPANESE_SHIFTS.some((shift) => head.includes(shift))) return "iso-2022-jp";

  const sample = await sampleOf(contents);
  if (sample.every((part) => isUtf8(part))) return "utf-8";
  const bytes = Buffer.concat(sample);
  if (isBrokenUtf8(bytes)) return "utf-8";
  const readings = await legacyEncodings(bytes);
  if (readings.length === 1) return readings[0]!.encoding;
  throw undecided(contents, readings);
}

function markOf(head: Buffer): string | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return "utf-8";
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const isGb = head.length > 3 && head.readUInt32BE(0) === 0x84319533;
  return isGb ? "gb18030" : undefined;
}

/** UTF-16 without a mark: its line ends have two bytes, and the right order of bytes gives many more ASCII characters. */
function utf16Of(head: Buffer): string | undefined {
  const count = (low: 0 | 1) => {
    let [ascii, newlines] = [0, 0];
    for (let i = 0; i + 1 < head.length; i += 2) {
      if (head[i + 1 - low] !== 0) continue;
      const byte = head[i + low]!;
      if (byte === NEWLINE || byte === CARRIAGE_RETURN) newlines++;
      if (byte === NEWLINE || byte === CARRIAGE_RETURN || byte === 9 || (byte >= 0x20 && byte < 0x7f))
        ascii++;
    }
    return { ascii, newlines };
  };
  const [little, big] = [count(0), count(1)];
  const [encoding, best, other] =
    little.ascii > big.ascii ? (["utf-16le", little, big] as const) : (["utf-16be", big, little] as const);
  const lineEnds = head.filter((byte) => byte === NEWLINE || byte === CARRIAGE_RETURN).length;
  const hasWideLines = lineEnds > 0 ? best.newlines * 2 >= lineEnds : best.ascii * 8 >= head.length;
  return hasWideLines && best.ascii > other.ascii * 8 ? encoding : undefined;
}

/** The start of the file and, where it can be read at any place, some more of it; cut at line ends. */
async function sampleOf({ path, container, head, whole }: Contents): Promise<Buffer[]> {
  if (whole) return [head];
  const cut = head.lastIndexOf(NEWLINE) + 1;
  const parts = [head.subarray(0, cut > 0 ? cut : wholeCharacters(head))];
  if (container !== "plain") return parts;
  const { size } = await stat(path);
  const step = Math.max(WINDOW_BYTES, Math.floor((size - head.length) / WINDOWS));
  for (let begin = head.length; begin < size; begin += step) {
    const chunks: Buffer[] = [];
    for await (const chunk of readBytes(path, undefined, { begin, end: begin + WINDOW_BYTES }))
      chunks.push(chunk);
    const window = Buffer.concat(chunks);
    const [first, last] = [window.indexOf(NEWLINE), window.lastIndexOf(NEWLINE)];
    if (first >= 0 && last > first) parts.push(window.subarray(first + 1, last + 1));
  }
  return parts;
}

/** Text in another encoding has few sequences of UTF-8 by chance; a damaged file has nearly nothing else. */
function isBrokenUtf8(bytes: Buffer): boolean {
  const { valid, invalid } = countSequences(bytes);
  return valid > 0 && valid >= invalid;
}

/** What to do about bytes of a file that was taken for UTF-8 and is not. */
export async function remedyForBadUtf8(contents: Contents, bad: Buffer): Promise<string> {
  const drop = `remove the bad bytes (iconv -c -f UTF-8 -t UTF-8 ${shellPath(contents.path)} > fixed.csv)`;
  if (isBrokenUtf8(Buffer.concat(await sampleOf(contents))))
    return `the rest of the file is; correct the line, or ${drop}`;
  const readings = await legacyEncodings(bad);
  const names = readings.slice(0, 2).map(({ encoding }) => `\`encoding: ${JSON.stringify(encoding)}\``);
  return names.length === 0 ? drop : `set ${names.join(" or ")}, or ${drop}`;
}

function undecided(contents: Contents, readings: { encoding: string; text: string }[]): FinetagError {
  if (readings.length === 0) {
    const what = "is not valid UTF-8, and no other encoding fits; name the one it has (`encoding`)";
    return dataError(contents.path, undefined, what, "encoding");
  }
  const [a, b] = [readings[0]!, readings[1]!];
  const at = firstDifference(a.text, b.text);
  const shown = [a, b].map(({ encoding, text }) => `${encoding} (${show(excerpt(text, at))})`).join(" or ");
  const set = [a, b].map(({ encoding }) => `\`encoding: ${JSON.stringify(encoding)}\``).join(" or ");
  return dataError(contents.path, undefined, `is not UTF-8, and may be ${shown}; set ${set}`, "encoding");
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function excerpt(text: string, at: number): string {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const from = Math.max(start, at - SHOWN_CHARACTERS / 2);
  return text.slice(from, from + SHOWN_CHARACTERS).split(/[\r\n]/, 1)[0]!;
}
