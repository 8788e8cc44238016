/** Long random texts of all kinds, for tests of cutting them. */
import { randomNumbers } from "../random.ts";

const FRAGMENTS = [
  ...[
    "word ",
    "the cat sat on the mat ",
    "unaffable ",
    "Internationalization ",
    "a ",
    "I'll don't we're they've ",
    "x'r",
  ],
  ...["a", "ab", "abab ", "aab", "zz", "lorem", "q"],
  ...[
    "Straße ",
    "naïve café ",
    "e\u0301",
    "a\u0308\u0301o\u0302 ",
    "İstanbul ",
    "ﬁne ",
    "½",
    "²",
    "ΣΑΣ ",
    "привет мир ",
    "приветмир",
  ],
  ...[
    "漢字",
    "我喜欢这部电影。",
    "今天天气很好，我们去公园",
    "，",
    "。",
    "日本語の文章です。",
    "ガギグ",
    "か\u3099",
    "ﾊﾟ",
    "한국어 문장 ",
    "한글",
    "\u1112\u1161\u11ab",
  ],
  ...["สวัสดีครับ", "น้ำ", "नमस्ते दुनिया ", "क्षि", "مرحبا بالعالم ", "שלום ", "ﷺ", "\u0d4e\u0d15"],
  ...[" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2003", "\n\n  ", "\u2028"],
  ...[
    ".",
    ",",
    "...",
    "!?",
    "--",
    "``",
    "''",
    "`",
    "'",
    "\u2019",
    '"',
    "#",
    "@user ",
    "http://a.b/c?d=e&f ",
    "1,234.56 ",
    "9,",
    "2024",
    "…",
  ],
  ...[
    "[MASK]",
    " [MASK] ",
    "[MA",
    "SK]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "<mask>",
    "  <mask>  ",
    "<ma",
    "sk>",
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
  ],
  ...[
    "\u200b",
    "\u200d",
    "\u00ad",
    "\ufeff",
    "\u0000",
    "\u0007",
    "\u{1f600}",
    "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{20000}",
    "\ud800",
  ],
  ...["▁", "▁the", "Ġ", "##ing", "\u0301"],
];

/** A text of fragments, some of them often in a row; at least `length` UTF-16 units. */
export function longText(seed: number, length: number): string {
  const random = randomNumbers(seed);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)]!;
  const few = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(FRAGMENTS));
  const variety = random() < 0.3 ? 0 : random() * 0.3;
  const parts: string[] = [];
  for (let size = 0; size < length; ) {
    const fragment = random() < variety ? pick(FRAGMENTS) : pick(few);
    const times = random() < 0.02 ? Math.floor(random() * 3000) : 1 + Math.floor(random() * 3);
    const part = fragment.repeat(times);
    parts.push(part);
    size += part.length;
  }
  return parts.join("");
}
