/** Texts in a language that a tokenizer knows little of are told from those that it knows. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BY_LANGUAGE, catalogue } from "../../src/hub/index.ts";
import { coverageWarning } from "../../src/training/index.ts";
import { configOf, GOLDEN, loadTokenizer, type Vocabulary } from "./parity.ts";

const TEXTS = {
  English:
    "The quick brown foxes jumped over the lazy dogs, and nobody minded; it's 3:15 pm, isn't it? lol :)",
  German: "Die Straße über die Brücke wurde gestern für drei Wochen gesperrt, weil sie ausgebessert wird.",
  Chinese: "我喜欢自然语言处理,因为它很有趣。",
  Japanese: "これはとても面白い本だと思います。明日もう一度図書館で借りてきてください。",
  Russian: "Вчера мы ходили в лес и собирали грибы, а потом долго сушили их возле большой печи.",
  Arabic: "مرحبا بالعالم، كيف حالك اليوم؟ أتمنى أن تكون بخير وأن يكون يومك جميلا.",
  Korean: "한국어 텍스트입니다. 오늘은 날씨가 아주 좋아서 공원에 산책하러 갔습니다.",
  Thai: "สวัสดีชาวโลก วันนี้อากาศดีมาก เราจึงไปเดินเล่นที่สวนสาธารณะ",
  Hindi: "नमस्ते दुनिया, आज मौसम बहुत अच्छा है और हम पार्क में घूमने गए थे।",
};
/** With the small vocabularies of the golden tests, which have some words of every case. */
type Language = keyof typeof TEXTS;

async function said(vocabulary: Vocabulary, text: string): Promise<string | undefined> {
  const tokenizer = await loadTokenizer(join(GOLDEN, vocabulary), configOf(vocabulary));
  await tokenizer.encode(Array<string>(8).fill(text), undefined, 512);
  return coverageWarning("texts.csv", tokenizer.coverage.seen, tokenizer.coverage);
}

describe.each<[Vocabulary, Language[]]>([
  ["bert-base-uncased", ["English", "German"]],
  ["roberta-base", ["English", "German"]],
  ["bert-base-chinese", ["Chinese", "English"]],
])("%s", (vocabulary, known) => {
  it.each(known)("knows %s", async (language) => {
    expect(await said(vocabulary, TEXTS[language])).toBeUndefined();
  });

  const others = (Object.keys(TEXTS) as Language[]).filter((language) => !known.includes(language));
  it.each(
    others.filter(
      (language) => vocabulary !== "bert-base-chinese" || !["German", "Japanese"].includes(language),
    ),
  )("says how little it knows of %s, and what to take", async (language) => {
    const message = await said(vocabulary, TEXTS[language]);
    expect(message).toMatch(
      /^texts\.csv: \d\d+ % of the tokens are (unknown to the tokenizer \(\[UNK\]\)|single letters or bytes): /,
    );
    expect(message).toContain("bert-base-chinese for Chinese");
    expect(message).not.toContain("\n");
  });
});

it("counts nothing but the tokens of texts", async () => {
  const tokenizer = await loadTokenizer(join(GOLDEN, "bert-base-uncased"), configOf("bert-base-uncased"));
  await tokenizer.encode(["the quick fox", "我喜欢龘龘"], undefined, 64);
  const { tokens, unknown } = tokenizer.coverage.seen;
  expect(tokens).toBe(3 + 5);
  expect(unknown).toBeGreaterThan(0);
});

it("is silent about a few tokens", async () => {
  expect(await said("bert-base-uncased", "龘 龘")).toBeUndefined();
});

it("names models of the catalogue", () => {
  const names = catalogue.map(({ name }) => name);
  for (const [, name] of BY_LANGUAGE) expect(names).toContain(name);
});
