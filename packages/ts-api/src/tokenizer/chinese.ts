import { FinetagError } from "../errors/index.ts";

/** Splits a run of Chinese characters into words; joined, they must equal the run. */
export type WordSegmenter = (run: string) => readonly string[];

let segmenter: Intl.Segmenter | undefined;

/** Finds Chinese words with Node's built-in `Intl.Segmenter`, which uses ICU's dictionary. */
export const chineseWords: WordSegmenter = (run) => {
  segmenter ??= new Intl.Segmenter("zh", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
};

/** Where a text is Chinese, by code points, as the Rust core counts them. */
export interface ChineseRuns {
  has(position: number): boolean;
  /** Whether a word begins there. */
  begins(position: number): boolean;
}

const HAN_RUN = /\p{Script=Han}+/gu;

export function chineseRuns(text: string, segment: WordSegmenter): ChineseRuns {
  const inside = new Set<number>();
  const begins = new Set<number>();
  let units = 0;
  let points = 0;
  for (const { 0: run, index } of text.matchAll(HAN_RUN)) {
    points += length(text.slice(units, index));
    units = index + run.length;
    const words = segment(run);
    checkWords(run, words);
    for (const word of words) {
      begins.add(points);
      for (const end = points + length(word); points < end; points++) inside.add(points);
    }
  }
  return { has: (position) => inside.has(position), begins: (position) => begins.has(position) };
}

/** In code points. */
function length(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkWords(run: string, words: readonly string[]): void {
  if (words.join("") === run && words.every((word) => word !== "")) return;
  throw new FinetagError(
    "ERR_FINETAG_ARGUMENT",
    `the segmenter cut ${JSON.stringify(run)} into ${JSON.stringify(words)}, which is not the same text; return all of it, in order`,
  );
}
