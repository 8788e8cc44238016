import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import { chineseWords, type Tokenizer } from "../../src/tokenizer/index.ts";
import { type Cases, configOf, GOLDEN, loadTokenizer, PARITY, readGolden, withFolder } from "./parity.ts";

const SENTENCEPIECE = join(PARITY, "..", "sentencepiece", "golden");
const FOLDERS: Record<string, [folder: string, modelType: string]> = {
  uncased: [join(GOLDEN, "bert-base-uncased"), "bert"],
  chinese: [join(GOLDEN, "bert-base-chinese"), "bert"],
  roberta: [join(GOLDEN, "roberta-base"), "roberta"],
  albert: [join(SENTENCEPIECE, "albert"), "albert"],
  xlmRoberta: [join(SENTENCEPIECE, "xlm-roberta"), "xlm-roberta"],
  bytes: [join(SENTENCEPIECE, "bpe"), "roberta"],
};

function load(name: string): Promise<Tokenizer> {
  const [folder, model_type] = FOLDERS[name]!;
  const config = { model_type, vocab_size: 60_000, max_position_embeddings: 514 };
  return loadTokenizer(folder, parseModelConfig(config, "config.json"));
}

function tokensOf(tokenizer: Tokenizer): Map<number, string> {
  const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get("tokenizer.json")));
  const { vocab } = json.model;
  const entries: [string, number][] = Array.isArray(vocab)
    ? vocab.map(([token]: [string], id: number) => [token, id])
    : Object.entries(vocab);
  const tokens = new Map(entries.map(([token, id]) => [id, token]));
  for (const { content, id } of json.added_tokens) tokens.set(id, content);
  return tokens;
}

/** The words of one text, each as its tokens; a special token stands alone in brackets. */
async function wordsIn(
  tokenizer: Tokenizer,
  text: string,
  segment = chineseWords,
  pair?: string,
  length = 512,
): Promise<string> {
  const tokens = tokensOf(tokenizer);
  const { ids, words } = await tokenizer.encodeWords([text], [pair], length, segment);
  let shown = "";
  for (const [i, id] of ids.entries()) {
    const word = words[i]!;
    if (word === -1) shown += ` (${tokens.get(id)})`;
    else shown += `${i > 0 && words[i - 1] === word ? "+" : " "}${tokens.get(id)}`;
  }
  return shown.trim();
}

describe("words of tokens", () => {
  it("are a first piece and those that continue it", async () => {
    const tokenizer = await loadWordPiece();
    expect(await wordsIn(tokenizer, "Unbelievable foxes don't [MASK] xylophone!")).toBe(
      "([CLS]) un+##believ+##able fox+##es don ' t ([MASK]) [UNK] ! ([SEP])",
    );
    expect(await wordsIn(tokenizer, "fox", chineseWords, "foxes")).toBe(
      "([CLS]) fox ([SEP]) fox+##es ([SEP])",
    );
  });

  it("go from mark to mark", async () => {
    expect(await wordsIn(await load("roberta"), "don't stop, now")).toBe(
      "(<s>) d+on+'t Ġst+op+, Ġnow (</s>)",
    );
    expect(await wordsIn(await load("xlmRoberta"), "don't stop, now")).toBe(
      "(<s>) ▁don+'+t ▁st+op+, ▁now (</s>)",
    );
  });

  it("of a pair, and of what is left of a long text, are numbered from 0 on", async () => {
    const tokenizer = await load("uncased");
    const { words } = await tokenizer.encodeWords(["the fox the fox"], ["dog"], 6);
    expect([...words]).toEqual([-1, 0, 1, -1, 2, -1]);
    const left = { "tokenizer_config.json": { truncation_side: "left" } };
    await withFolder(FOLDERS.uncased![0], left, async (dir) => {
      const cut = await loadTokenizer(dir, configOf("bert-base-uncased"));
      const encoded = await cut.encodeWords(["the fox the fox the"], undefined, 5);
      expect([...encoded.words]).toEqual([-1, 0, 1, 2, -1]);
      const pair = await cut.encodeWords(["the fox the fox the"], ["fox"], 6);
      expect([...pair.words]).toEqual([-1, 0, 1, -1, 2, -1]);
    });
  });
});

function loadWordPiece(): Promise<Tokenizer> {
  const vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##believ", "##able", "fox", "##es"];
  const more = [
    "don",
    "'",
    "t",
    "!",
    "我",
    "喜",
    "欢",
    "自",
    "然",
    "语",
    "言",
    "b",
    "##ert",
    ",",
    "野",
    "家",
  ];
  const files = { "vocab.txt": [...vocab, ...more].join("\n") };
  return withFolder(undefined, files, (dir) => loadTokenizer(dir, configOf("bert-base-uncased")));
}

describe("Chinese words", () => {
  /** A dictionary, so that the words do not depend on the version of Node. */
  const known = ["喜欢", "自然", "语言", "𠮷野家"];
  const byDictionary = (run: string): string[] => {
    const words: string[] = [];
    for (let rest = run; rest !== ""; rest = rest.slice(words.at(-1)!.length)) {
      words.push(known.find((word) => rest.startsWith(word)) ?? [...rest][0]!);
    }
    return words;
  };

  it("are runs of characters as the segmenter cuts them", async () => {
    const tokenizer = await loadWordPiece();
    expect(await wordsIn(tokenizer, "我喜欢自然语言,我bert喜欢 自 然", byDictionary)).toBe(
      "([CLS]) 我 喜+欢 自+然 语+言 , 我 b+##ert 喜+欢 自 然 ([SEP])",
    );
    // An unknown character outside the basic plane, before a pair of the same word.
    expect(await wordsIn(tokenizer, "😀𠮷野家", byDictionary)).toBe("([CLS]) [UNK] [UNK]+野+家 ([SEP])");
  });

  it("hold all bytes of their characters", async () => {
    const { words } = await (await load("roberta")).encodeWords(["我喜欢 自然"], undefined, 64, byDictionary);
    expect([...words]).toEqual([-1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, -1]);
    const bytes = await (await load("bytes")).encodeWords(["我喜欢"], undefined, 64, byDictionary);
    expect([...bytes.words]).toEqual([-1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, -1]);
  });

  it("join where a piece crosses their border", async () => {
    const tokenizer = await load("xlmRoberta");
    const shown = await wordsIn(tokenizer, "我喜欢自然语言", (run) => [run.slice(0, 2), run.slice(2)]);
    expect(shown).not.toContain(" 喜");
    expect(shown.split(" ").length).toBeLessThanOrEqual(4);
  });

  it("come from Node's own segmenter by default", async () => {
    expect(await wordsIn(await loadWordPiece(), "我喜欢自然语言")).toBe(
      "([CLS]) 我 喜+欢 自+然 语+言 ([SEP])",
    );
    expect(chineseWords("今天下雨")).toEqual(["今天", "下雨"]);
  });

  it("are refused where they are not the text", async () => {
    const tokenizer = await loadWordPiece();
    for (const segment of [() => ["喜"], () => ["", "喜欢"], (run: string) => [...run].reverse()]) {
      await expect(tokenizer.encodeWords(["喜欢"], undefined, 16, segment)).rejects.toMatchObject({
        code: "ERR_FINETAG_ARGUMENT",
        message: expect.stringContaining('the segmenter cut "喜欢" into'),
      });
    }
  });
});

describe("all cases", async () => {
  const cases = await readGolden<Cases>("cases.json");
  const texts = cases.texts.map((text) => (typeof text === "string" ? text : text[0]));
  const pairs = cases.texts.map((text) => (typeof text === "string" ? undefined : text[1]));

  it.each(Object.keys(FOLDERS))(
    "%s: every token but special ones is in one word, side by side",
    async (name) => {
      const tokenizer = await load(name);
      for (const length of [512, 24]) {
        const encoded = await tokenizer.encodeWords(texts, pairs, length);
        expect({ ...encoded, words: undefined }).toEqual({
          ...(await tokenizer.encode(texts, pairs, length)),
          words: undefined,
        });
        for (let i = 0; i < texts.length; i++) {
          const words = encoded.words.subarray(encoded.cuSeqlens[i], encoded.cuSeqlens[i + 1]);
          const seen = words.filter((word) => word !== -1);
          // From 0 on, and each the last one or the next.
          expect(
            seen.every((word, at) => word === (at === 0 ? 0 : seen[at - 1]) || word === seen[at - 1]! + 1),
          ).toBe(true);
          expect([words.at(0), words.at(-1)]).toEqual([-1, -1]);
          for (const [at, word] of words.entries()) {
            // A special token ends a word.
            if (word === -1 && at > 0 && at + 1 < words.length && words[at - 1] !== -1)
              expect(words[at + 1]).not.toBe(words[at - 1]);
          }
        }
      }
    },
  );
});
