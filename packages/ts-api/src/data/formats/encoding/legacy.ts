import { knownEncoding } from "./names.ts";
import { withoutC1 } from "./windows-1252.ts";

/** Bytes that are looked at: enough for any language, quickly enough. */
const EVIDENCE_BYTES = 256 * 1024;

/** How much better the best reading has to be than the next one. */
const MARGIN = 1.25;

/** Encodings that some file has today. Others of the same bytes would only get in the way on short texts. */
const CANDIDATES = [
  "gb18030",
  "big5",
  "shift_jis",
  "euc-jp",
  "euc-kr",
  "windows-1252",
  "windows-1251",
  "windows-1250",
  "windows-1253",
  "windows-1254",
  "windows-1255",
  "windows-1256",
  "windows-1257",
  "windows-1258",
  "windows-874",
  "koi8-r",
  "koi8-u",
  "iso-8859-2",
  "iso-8859-5",
  "iso-8859-7",
  "iso-8859-15",
  "ibm866",
  "macintosh",
];

/** What jschardet is asked about: its names for them. */
const DETECTED = [
  ...[
    "gb18030",
    "big5hkscs",
    "cp932",
    "euc-jis-2004",
    "euc-kr",
    "cp949",
    "koi8-r",
    "koi8-u",
    "cp874",
    "cp866",
  ],
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => `windows-125${n}`),
  ...["iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-15", "mac-roman"],
];

/** How much more files there are in an encoding than short texts show. */
const PRIOR: Readonly<Record<string, number>> = {
  "windows-1252": 1.5,
  macintosh: 0.7,
  "koi8-u": 0.7,
  "windows-1258": 0.7,
  "iso-8859-2": 0.8,
  "iso-8859-5": 0.7,
  "iso-8859-15": 0.8,
  ibm866: 0.7,
};

export interface Reading {
  encoding: string;
  /** The evidence as this encoding has it. */
  text: string;
  score: number;
}

/**
 * The likeliest encodings of bytes that are not UTF-8, best first: one, or several that fit equally well. jschardet (a port of
 * Python's chardet) finds them from the lines that are not ASCII, among the encodings that can decode all of the bytes, and
 * without those that would make words of several scripts.
 */
export async function legacyEncodings(bytes: Buffer): Promise<Reading[]> {
  const evidence = nonAsciiLines(bytes);
  const { detectAll } = await import("jschardet");
  const found = detectAll(evidence, { minimumThreshold: 0.001, detectEncodings: DETECTED });
  const readings = new Map<string, Reading>(); // by text: encodings that agree are one reading
  const add = (encoding: string, confidence: number) => {
    const text = decoded(encoding, evidence);
    if (text === undefined) return;
    const score = confidence * (PRIOR[encoding] ?? 1) * plausibility(text) ** 2;
    const before = readings.get(text);
    if (score > 0 && before === undefined) readings.set(text, { encoding, text, score });
    else if (before !== undefined) {
      before.score = Math.max(before.score, score);
      const isUsual = CANDIDATES.indexOf(encoding) < CANDIDATES.indexOf(before.encoding);
      if (isUsual) before.encoding = encoding;
    }
  };
  for (const { encoding, confidence } of found) {
    const name = encoding === null ? undefined : knownEncoding(encoding);
    if (name !== undefined && CANDIDATES.includes(name)) add(name, confidence);
  }
  add("windows-1252", 0.005); // what short texts of western languages are, where nothing speaks for another one
  const ranked = [...readings.values()].sort((a, b) => b.score - a.score);
  return ranked.filter(({ score }, i) => i === 0 || score * MARGIN > ranked[0]!.score);
}

/** The lines with a byte beyond ASCII, up to a limit; in none of the encodings is a line's end part of a character. */
export function nonAsciiLines(bytes: Buffer): Buffer {
  const lines: Buffer[] = [];
  let length = 0;
  for (let start = 0; start < bytes.length && length < EVIDENCE_BYTES; ) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, Math.min(end, start + EVIDENCE_BYTES));
    if (line.some((byte) => byte >= 0x80)) {
      lines.push(line);
      length += line.length;
    }
    start = end;
  }
  return Buffer.concat(lines);
}

function decoded(encoding: string, bytes: Buffer): string | undefined {
  try {
    return withoutC1(encoding, new TextDecoder(encoding, { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A run between blanks and ASCII punctuation with a character beyond ASCII. */
const WORD = /[^\s!-/:-@[-`{-~]*[^\p{ASCII}\s][^\s!-/:-@[-`{-~]*/gu;
const OTHER_SCRIPT =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Thai}\uff61-\uff9f]/u;
const SENSELESS = /[\u0080-\u009f\p{Co}\p{Cn}]/u;
const SYMBOL_IN_WORD = /\p{L}[^\p{ASCII}\p{L}\p{M}’‘ʼ·–—…“”‑\u00ad\u200b-\u200d]\p{L}/u;

/**
 * From 0 to 1: how many of the words with other than ASCII characters could be words. A word has letters of one script, no
 * capital after a small letter, and no symbol or control character inside; a single Han character does not follow a Latin
 * word.
 */
function plausibility(text: string): number {
  let words = 0;
  let bad = 0;
  for (const [word] of text.matchAll(WORD)) {
    words++;
    const isLatin = /\p{Script=Latin}/u.test(word);
    const isBad =
      SENSELESS.test(word) ||
      (isLatin && (OTHER_SCRIPT.test(word) || SYMBOL_IN_WORD.test(word))) ||
      /\p{Ll}(?![a-zA-Z])\p{Lu}/u.test(word) ||
      /^[a-zA-Z]+\p{Script=Han}$/u.test(word);
    if (isBad) bad++;
  }
  return words === 0 ? 1 : 1 - bad / words;
}
