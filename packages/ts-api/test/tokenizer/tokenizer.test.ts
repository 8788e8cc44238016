import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assertVocabulary } from "../../src/models/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import { configOf, GOLDEN, loadTokenizer, textOf, type Vocabulary, withFolder } from "./parity.ts";

const BERT = "bert-base-uncased";
const SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

function load(name: Vocabulary = BERT): Promise<Tokenizer> {
  return loadTokenizer(join(GOLDEN, name), configOf(name));
}

/** Loads from files alone. */
function loadFrom(
  files: Record<string, unknown>,
  name: Vocabulary = BERT,
  vocabSize?: number,
): Promise<Tokenizer> {
  return withFolder(undefined, files, (dir) => loadTokenizer(dir, configOf(name, vocabSize)));
}

async function idsOf(tokenizer: Tokenizer, text: string, maxLength = 64): Promise<number[]> {
  return textOf(await tokenizer.encode([text], undefined, maxLength), 0).ids;
}

function jsonOf(tokenizer: Tokenizer, file: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(tokenizer.files.get(file)));
}

describe("encode", () => {
  it("lays texts end to end", async () => {
    const tokenizer = await loadFrom({ "vocab.txt": [...SPECIALS, "a", "b", "c"].join("\n") });
    const encoded = await tokenizer.encode(["a b", "", "c c c c"], ["c", undefined, undefined], 5);
    expect(encoded).toEqual({
      ids: Int32Array.of(2, 5, 3, 7, 3, 2, 3, 2, 7, 7, 7, 3),
      tokenTypes: Int32Array.of(0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0),
      cuSeqlens: Int32Array.of(0, 5, 7, 12),
      truncated: 2,
    });
  });

  it("takes no texts, and more than fit into a chunk", async () => {
    const tokenizer = await load();
    expect(await tokenizer.encode([], undefined, 8)).toEqual({
      ids: new Int32Array(0),
      tokenTypes: new Int32Array(0),
      cuSeqlens: Int32Array.of(0),
      truncated: 0,
    });
    const texts = Array.from({ length: 1500 }, (_, i) => `the ${i}`);
    const encoded = await tokenizer.encode(texts, undefined, 16);
    expect(encoded.cuSeqlens.length).toBe(1501);
    for (const i of [0, 511, 512, 1499])
      expect(textOf(encoded, i).ids).toEqual(await idsOf(tokenizer, texts[i]!, 16));
  });

  it("keeps calls of different lengths apart that overlap", async () => {
    const tokenizer = await load("roberta-base");
    const texts = Array.from({ length: 700 }, (_, i) => "word ".repeat(1 + (i % 50)));
    const lengths = [8, 32, 9, 64, 8, 17];
    const pairs = texts.map((text) => text.slice(0, 30));
    const together = await Promise.all(
      lengths.map((length, i) => tokenizer.encode(texts, i % 2 === 0 ? undefined : pairs, length)),
    );
    for (const [i, length] of lengths.entries()) {
      expect(await tokenizer.encode(texts, i % 2 === 0 ? undefined : pairs, length)).toEqual(together[i]);
    }
  });

  it("leaves the event loop free", async () => {
    const tokenizer = await load();
    const texts = Array.from({ length: 3000 }, () => "the quick brown fox ".repeat(10));
    let longest = 0;
    const start = performance.now();
    let last = start;
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    await tokenizer.encode(texts, undefined, 64);
    clearInterval(timer);
    // Alone it is about 10 ms; a busy machine delays timers as well, so it is compared with the work.
    expect(longest).toBeLessThan((performance.now() - start) / 2);
  });

  it("takes a lone surrogate as U+FFFD", async () => {
    for (const name of [BERT, "roberta-base"] as const) {
      const tokenizer = await load(name);
      const texts = { "a\ud83d b": "a\ufffd b", "\udc00": "\ufffd", "x\udc00\ud800y": "x\ufffd\ufffdy" };
      for (const [text, wellFormed] of Object.entries(texts)) {
        expect(await idsOf(tokenizer, text)).toEqual(await idsOf(tokenizer, wellFormed));
      }
    }
  });

  it("refuses pairs where the model has one token type", async () => {
    const config = configOf(BERT);
    config.native.typeVocabSize = 1;
    const tokenizer = await loadTokenizer(join(GOLDEN, BERT), config);
    await expect(tokenizer.encode(["a"], ["b"], 8)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("its config.json has type_vocab_size 1"),
    });
    expect((await tokenizer.encode(["a"], [undefined], 8)).cuSeqlens[1]).toBe(3);
  });

  it("cuts a long text, and counts it", async () => {
    const tokenizer = await load();
    const encoded = await tokenizer.encode(["the fox ".repeat(50_000), "the fox"], undefined, 128);
    expect([...encoded.cuSeqlens, encoded.truncated]).toEqual([0, 128, 132, 1]);
    const pair = await tokenizer.encode(["the fox ".repeat(5000)], ["fox"], 16);
    expect(pair.truncated).toBe(1);
    expect(pair.tokenTypes.reduce((sum, type) => sum + type, 0)).toBe(2);
  });

  it.each([
    [BERT, undefined, 2, "2 special tokens; use at least 3"],
    [BERT, ["b"], 3, "3 special tokens; use at least 4"],
    ["roberta-base", ["b"], 4, "4 special tokens; use at least 5"],
    [BERT, undefined, 0, "use at least 3"],
    [BERT, undefined, -1, "use at least 3"],
    [BERT, undefined, 7.5, "use at least 3"],
    [BERT, undefined, Number.NaN, "use at least 3"],
  ] as const)("%s with second texts %j refuses the length %d", async (name, pairs, length, message) => {
    const tokenizer = await load(name);
    await expect(tokenizer.encode(["a"], pairs && [...pairs], length)).rejects.toMatchObject({
      code: "ERR_FINETAG_ARGUMENT",
      message: expect.stringContaining(message),
    });
    expect(await idsOf(tokenizer, "a", 8)).toHaveLength(3);
  });
});

describe("vocab.txt", () => {
  it("is read as the Rust core reads it", async () => {
    const lines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na \nb\u3000\n\ufeffc\nd\r\n\u0085e\u0085\nf\u000bg\na\n\nlast";
    const tokenizer = await loadFrom({ "vocab.txt": lines }, BERT, 13);
    expect((jsonOf(tokenizer, "tokenizer.json").model as { vocab: unknown }).vocab).toEqual({
      "[PAD]": 0,
      "[UNK]": 1,
      "[CLS]": 2,
      "[SEP]": 3,
      a: 10,
      b: 5,
      "\ufeffc": 6,
      d: 7,
      "\u0085e": 8,
      "f\u000bg": 9,
      "": 11,
      last: 12,
    });
  });

  it("without [MASK] gets one only where the embedding table has a row for it", async () => {
    const files = { "vocab.txt": [...SPECIALS.slice(0, 4), "a"].join("\n") };
    const full = await loadFrom(files, BERT, 5);
    expect([full.vocabSize, full.maxTokenId]).toEqual([5, 4]);
    const roomy = await loadFrom(files, BERT, 8);
    expect([roomy.vocabSize, roomy.maxTokenId]).toEqual([6, 5]);
    expect(await idsOf(roomy, "[MASK]")).toEqual([2, 5, 3]);
  });

  it("of a Google archive tells itself whether it is cased", async () => {
    const cased = [...SPECIALS, "The", "the", "##ing", "Fox", "fox"].join("\n");
    const lowers = async (files: Record<string, unknown>) => {
      const config = jsonOf(await loadFrom(files), "tokenizer_config.json");
      return config.do_lower_case;
    };
    const archive = { "bert_config.json": {} };
    expect(await lowers({ "vocab.txt": cased, ...archive })).toBe(false);
    expect(await lowers({ "vocab.txt": cased, "bert_config_large.json": {} })).toBe(false);
    expect(await lowers({ "vocab.txt": cased, "sentence_bert_config.json": {} })).toBe(true);
    expect(await lowers({ "vocab.txt": cased })).toBe(true);
    const uncased = [...SPECIALS, "<S>", "<T>", "the", "##ing", "fox"].join("\n");
    expect(await lowers({ "vocab.txt": uncased, ...archive })).toBe(true);
    expect(
      await lowers({ "vocab_chinese.txt": [...SPECIALS, "<S>", "中", "##文"].join("\n"), ...archive }),
    ).toBe(true);
    const said = { "tokenizer_config.json": { do_lower_case: true } };
    expect(await lowers({ "vocab.txt": cased, ...archive, ...said })).toBe(true);
  });

  it("is told apart from weights with a smaller vocabulary", async () => {
    const tokenizer = await load();
    expect(() => assertVocabulary(tokenizer, configOf(BERT, tokenizer.maxTokenId))).toThrow(
      /the tokenizer has ids up to \d+, but config.json has vocab_size \d+/,
    );
    assertVocabulary(tokenizer, configOf(BERT, tokenizer.maxTokenId + 1));
  });
});

describe("saved files", () => {
  it("name the settings that transformers would not take from tokenizer.json", async () => {
    const tokenizer = await load();
    expect(jsonOf(tokenizer, "tokenizer_config.json")).toEqual({
      tokenizer_class: "BertTokenizer",
      model_max_length: 514,
      do_lower_case: true,
      strip_accents: null,
      tokenize_chinese_chars: true,
      unk_token: "[UNK]",
      sep_token: "[SEP]",
      pad_token: "[PAD]",
      cls_token: "[CLS]",
      mask_token: "[MASK]",
    });
    expect([...tokenizer.files.keys()].sort()).toEqual([
      "tokenizer.json",
      "tokenizer_config.json",
      "vocab.txt",
    ]);
    expect(jsonOf(await load("roberta-base"), "tokenizer_config.json")).toMatchObject({
      tokenizer_class: "RobertaTokenizer",
      model_max_length: 512,
      add_prefix_space: false,
    });
  });

  it("keep keys that finetag does not know, and drop code", async () => {
    const config = { chat_template: "x", model_max_length: 99, auto_map: { AutoTokenizer: ["a.B", null] } };
    const tokenizer = await loadFrom({ "vocab.txt": SPECIALS.join("\n"), "tokenizer_config.json": config });
    expect(jsonOf(tokenizer, "tokenizer_config.json")).toMatchObject({
      chat_template: "x",
      model_max_length: 99,
    });
    expect(jsonOf(tokenizer, "tokenizer_config.json")).not.toHaveProperty("auto_map");
  });
});

describe("bad files", () => {
  const vocab = SPECIALS.join("\n");
  it.each<[string, Record<string, unknown>, Vocabulary, string]>([
    ["nothing", {}, BERT, "has no tokenizer; copy tokenizer.json or vocab.txt of the model into it"],
    ["no merges", { "vocab.json": {} }, "roberta-base", "tokenizer.json, or vocab.json and merges.txt"],
    ["an empty vocabulary", { "vocab.txt": "" }, BERT, "vocab.txt: is empty"],
    ["no [CLS]", { "vocab.txt": "[PAD]\n[UNK]\n[SEP]" }, BERT, 'vocab.txt: cls_token "[CLS]" is not in it'],
    [
      "no unknown token",
      { "vocab.txt": vocab, "tokenizer_config.json": { unk_token: null } },
      BERT,
      "vocab.txt: it has no unk_token",
    ],
    [
      "ids that are text",
      { "vocab.json": { a: "0" }, "merges.txt": "" },
      "roberta-base",
      "not an object of ids by token",
    ],
    [
      "a merge of three",
      { "vocab.json": { "<s>": 0, "</s>": 1 }, "merges.txt": "#version: 0.2\na b c\n" },
      "roberta-base",
      "merges.txt:2: not two tokens with a space between",
    ],
    [
      "a merge of unknown tokens",
      { "vocab.json": { "<s>": 0, "</s>": 1, a: 2, b: 3 }, "merges.txt": "a b\n" },
      "roberta-base",
      'merges.txt:1: "ab" is not in vocab.json',
    ],
    [
      "another class",
      { "vocab.txt": vocab, "tokenizer_config.json": { tokenizer_class: "XLNetTokenizer" } },
      BERT,
      "finetag reads a XLNetTokenizer from tokenizer.json or a SentencePiece model only",
    ],
    [
      "a config that is a list",
      { "vocab.txt": vocab, "tokenizer_config.json": [] },
      BERT,
      "tokenizer_config.json",
    ],
    [
      "a flag that is text",
      { "vocab.txt": vocab, "tokenizer_config.json": { do_lower_case: "no" } },
      BERT,
      'tokenizer_config.json: "do_lower_case": Invalid input',
    ],
    [
      "split_special_tokens",
      { "vocab.txt": vocab, "tokenizer_config.json": { split_special_tokens: true } },
      BERT,
      "finetag does not support split_special_tokens",
    ],
    ["a tokenizer.json that is not JSON", { "tokenizer.json": "{" }, BERT, "tokenizer.json: not JSON"],
    [
      "a tokenizer.json without a model",
      { "tokenizer.json": { added_tokens: [] } },
      BERT,
      "tokenizer.json: not a tokenizer",
    ],
    [
      "a tokenizer.json that the core refuses",
      { "tokenizer.json": { version: "9", added_tokens: [], model: { type: "WordPiece", vocab: { a: 0 } } } },
      BERT,
      "the tokenizer does not work",
    ],
  ])("%s", async (_, files, name, message) => {
    const error = await loadFrom(files, name).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^[^\n]*$/);
  });

  it("an error of the core while it encodes is told as well", async () => {
    const tokenizer = await load();
    const json = jsonOf(tokenizer, "tokenizer.json") as { model: { vocab: Record<string, number> } };
    delete json.model.vocab["[UNK]"];
    const broken = await loadFrom({ "tokenizer.json": { ...json, added_tokens: [] } });
    await expect(broken.encode(["\u{10ffff}"], undefined, 8)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("the tokenizer does not work"),
    });
  });

  it("tokenizer.json with random bytes is read or refused", async () => {
    const text = new TextDecoder().decode((await load()).files.get("tokenizer.json"));
    let seed = 3;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed % below;
    };
    for (let round = 0; round < 60; round++) {
      const at = random(text.length);
      const damaged =
        text.slice(0, at) + String.fromCharCode(32 + random(95)) + text.slice(at + 1 + random(3));
      const tokenizer = await loadFrom({ "tokenizer.json": damaged }).catch((error) => {
        expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
      });
      const encoded = await tokenizer?.encode(["the fox [SEP] über"], undefined, 16).catch((error) => {
        expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
      });
      if (encoded) expect(encoded.cuSeqlens.length).toBe(2);
    }
  });
});
