import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openWeights } from "../../src/checkpoint/index.ts";
import { openTensorflow } from "../../src/checkpoint/tensorflow/read.ts";
import { maskedCrc32c } from "../../src/io/index.ts";
import { readAll } from "./tensors.ts";

const FIXTURES = fileURLToPath(new URL("fixtures/tensorflow", import.meta.url));

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "finetag-tensorflow-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const open = (name: string) => openTensorflow(join(FIXTURES, name));

/** As the generator has them, kernels turned, by the names of transformers. */
const DTYPES: Record<string, { dtype: string; shape: number[]; values: number[] }> = {
  "bert.embeddings.word_embeddings.weight": {
    dtype: "F32",
    shape: [2, 3],
    values: [0, -0, 1, -2.5, 2 ** -149, Infinity],
  },
  "bert.pooler.dense.bias": {
    dtype: "F16",
    shape: [8],
    values: [0, -0, 1, -2.5, 2 ** -24, 65504, Infinity, -Infinity],
  },
  "bert.embeddings.LayerNorm.bias": {
    dtype: "BF16",
    shape: [8],
    values: [0, -0, 1, -2.5, 3.140625, 2 ** -126, Infinity, -Infinity],
  },
  "bert.embeddings.LayerNorm.weight": {
    dtype: "F64",
    shape: [3],
    values: [Math.fround(0.1), -Infinity, 1],
  },
  "bert.encoder.layer.11.output.dense.weight": { dtype: "BF16", shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
  "bert.encoder.layer.11.intermediate.dense.weight": {
    dtype: "F16",
    shape: [2, 3],
    values: [1, 3, 5, 2, 4, 6],
  },
  "bert.pooler.dense.weight": { dtype: "F32", shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
  "classifier.weight": { dtype: "F32", shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
  "classifier.bias": { dtype: "F32", shape: [0], values: [] },
  scalar: { dtype: "F32", shape: [], values: [7] },
};

describe("a checkpoint", () => {
  it.each(["dtypes.ckpt", "snappy.ckpt"])(
    "%s gives each dtype, without optimizer state and texts",
    async (name) => {
      const file = await open(name);
      const entries = file.entries();
      expect(entries.map((entry) => entry.name).sort()).toEqual(
        [...Object.keys(DTYPES), "position_ids"].sort(),
      );
      for (const { name: tensor, dtype, shape } of entries) {
        if (tensor === "position_ids") continue;
        const { values, ...expected } = DTYPES[tensor]!;
        expect({ dtype, shape }, tensor).toEqual(expected);
        expect([...(await file.read(tensor))], tensor).toEqual(values);
      }
      expect(entries.find((entry) => entry.name === "bert.pooler.dense.weight")?.source).toBe(
        "bert/pooler/dense/kernel",
      );
      await expect(file.read("position_ids")).rejects.toMatchObject({
        message: `${join(FIXTURES, name)}: tensor "position_ids" is I32, not a float; save the model as F32, F16 or BF16`,
      });
      await expect(file.read("toString")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
      await file.close();
      await file.close();
    },
  );

  it("is the newest one of a folder that Saver left, wherever the folder was", async () => {
    const file = await openWeights(join(FIXTURES, "trained"));
    expect(file.files.map(({ path }) => path)).toEqual([
      join(FIXTURES, "trained/model.ckpt-2.index"),
      join(FIXTURES, "trained/model.ckpt-2.data-00000-of-00001"),
    ]);
    expect(await readAll(file)).toEqual({
      "bert.pooler.dense.weight": [0, 3, 1, 4, 2, 5],
      "bert.pooler.dense.bias": [0.5, 1.5, 2.5],
    });
  });

  it("of TensorFlow 2's Checkpoint has the names that the program gave", async () => {
    expect(await readAll(await open("objects.ckpt"))).toEqual({
      "a.b/c": [3],
      "bert.pooler.dense.bias": [1, 2],
    });
  });

  it("in one file of a folder is found by its name; several without a state file are not guessed among", async () => {
    for (const name of ["model.ckpt-1", "model.ckpt-2"]) {
      for (const ending of [".index", ".data-00000-of-00001"]) {
        await copyFile(join(FIXTURES, "trained", name + ending), join(dir, name + ending));
      }
      if (name === "model.ckpt-1") await (await openWeights(dir)).close();
    }
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${dir}: holds 2 TensorFlow checkpoints (model.ckpt-1, model.ckpt-2), and no file \`checkpoint\` says which one is meant; leave the files of one in it`,
    });
    await writeFile(join(dir, "checkpoint"), 'model_checkpoint_path: "C:\\\\runs\\\\model.ckpt-1"\n');
    const file = await openWeights(dir);
    expect(file.files[0]!.path).toBe(join(dir, "model.ckpt-1.index"));
    await file.close();
  });
});

describe("a checkpoint that cannot be read", () => {
  it.each([
    [
      "partitioned.ckpt",
      'variable "bert/embeddings/word_embeddings" is stored in parts (a partitioned variable), which is not read; save the checkpoint again without a partitioner',
    ],
    [
      "others.ckpt",
      "none of its 1 variables has a name of Google's BERT or ALBERT code (the first is \"resnet/conv1/kernel\"); use the checkpoint of such a model, or a model in Hugging Face's format",
    ],
    [
      "brightmart.ckpt",
      "the checkpoint is brightmart's ALBERT, which computes its embeddings as no ALBERT of transformers does, and is not " +
        'read (variable "bert/embeddings/word_embeddings_2"); use one of the Chinese ALBERTs in Google\'s form ' +
        "(albert_…_google_zh), or a model in Hugging Face's format",
    ],
    [
      "garden.ckpt",
      "the checkpoint is a Keras model's, as those of TensorFlow's Model Garden, whose names are not read (variable " +
        '"model/layer_with_weights-0/embeddings"); use the same model as a TensorFlow 1 checkpoint, or in Hugging Face\'s format',
    ],
  ])("%s", async (name, message) => {
    await expect(open(name)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${join(FIXTURES, name)}.index: ${message}`,
    });
  });

  it("lacks a data file", async () => {
    await copyFile(join(FIXTURES, "dtypes.ckpt.index"), join(dir, "bert_model.ckpt.index"));
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${join(dir, "bert_model.ckpt.data-00000-of-00001")}: this data file of the checkpoint is missing; copy all of its files`,
    });
  });

  it("has other data than its checksums say", async () => {
    const data = await readFile(join(FIXTURES, "trained/model.ckpt-2.data-00000-of-00001"));
    await copyFile(join(FIXTURES, "trained/model.ckpt-2.index"), join(dir, "a.index"));
    const path = join(dir, "a.data-00000-of-00001");
    let refused = 0;
    for (let at = 0; at < data.byteLength; at++) {
      await writeFile(
        path,
        data.map((byte, i) => (i === at ? byte ^ 0x10 : byte)),
      );
      const file = await openTensorflow(join(dir, "a"));
      for (const { name, source } of file.entries()) {
        const error = await file.read(name).then(
          () => undefined,
          (thrown) => thrown,
        );
        if (error === undefined) continue;
        refused++;
        expect(error).toMatchObject({
          code: "ERR_FINETAG_MODEL",
          message: `${path}: the checksum of variable "${source}" is wrong; the file is damaged, fetch or save it again`,
        });
      }
      await file.close();
    }
    expect(refused).toBe(4 * (6 + 3)); // once for each byte of a weight; the rest is Adam's
  });
});

/** A table as table.cc writes it, of parts that need not make sense. */
class Table {
  readonly #bytes: number[] = [];

  block(contents: number[], kind = 0): [offset: number, size: number] {
    const offset = this.#bytes.length;
    const checked = Uint8Array.from([...contents, kind]);
    this.#bytes.push(...checked, ...littleEndian(maskedCrc32c(checked)));
    return [offset, contents.length];
  }

  finish(index: [number, number]): Uint8Array {
    const handles = [0, 0, ...index].flatMap(varint);
    const padding = Array<number>(40 - handles.length).fill(0);
    const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
    return Uint8Array.from([...this.#bytes, ...handles, ...padding, ...magic]);
  }
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

function littleEndian(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
}

type Entry = [shared: number, key: string, value: number[]];

function blockOf(entries: Entry[], restarts = 1): number[] {
  const data = entries.flatMap(([shared, key, value]) => [
    ...varint(shared),
    ...varint(key.length),
    ...varint(value.length),
    ...Buffer.from(key),
    ...value,
  ]);
  return [...data, ...littleEndian(0), ...littleEndian(restarts)];
}

/** One shard, version 1. */
const HEADER: Entry = [0, "", [8, 1, 26, 2, 8, 1]];
const NAME = "bert/pooler/dense/bias";
/** float32 [2] at byte 0. */
const BIAS: Entry = [0, NAME, [8, 1, 18, 4, 18, 2, 8, 2, 40, 8, 53, 0, 0, 0, 0]];

function tableOf(entries: Entry[]): Uint8Array {
  const table = new Table();
  const handle = table.block(blockOf(entries));
  return table.finish(table.block(blockOf([[0, "z", handle.flatMap(varint)]])));
}

describe("an index that is not what it says", () => {
  const field = (number: number, ...value: number[]) => [number << 3, ...value];
  const cases: [string, () => Uint8Array, string][] = [
    ["is empty", () => new Uint8Array(0), "not the index of a TensorFlow checkpoint, or truncated"],
    ["is text", () => Buffer.from("x".repeat(100)), "not the index of a TensorFlow checkpoint, or truncated"],
    [
      "has an index block beyond its end",
      () => new Table().finish([1e12, 1e12]),
      "truncated: a block of 1000000000000 bytes is promised at byte 1000000000000",
    ],
    [
      "has an index block of all numbers",
      () => new Table().finish([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]),
      "truncated: a block of",
    ],
    [
      "has blocks that are one and the same",
      () => {
        const table = new Table();
        const handle = table.block(blockOf([HEADER])).flatMap(varint);
        return table.finish(
          table.block(
            blockOf([
              [0, "a", handle],
              [0, "b", handle],
            ]),
          ),
        );
      },
      "its blocks do not follow each other",
    ],
    [
      "has an index block that is its own data",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([[0, "a", [0, 14]]])));
      },
      "its blocks do not follow each other",
    ],
    [
      "has a block of an unknown kind",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([]), 2));
      },
      "the block at byte 0 is of kind 2, which is not known",
    ],
    [
      "has a Snappy block of 2 GB",
      () => {
        const table = new Table();
        return table.finish(table.block([0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x00], 1));
      },
      "the Snappy block at byte 0 claims 2147483647 bytes, more than one ever has",
    ],
    ...(
      [
        ["shorter than it says", [8, 0, 97]],
        ["longer than it says", [2, 4, 97, 98, 0, 99]],
        [
          "with a literal of nearly 4 GB, whose length a sum of 32 bits takes for a step back",
          [10, 63 << 2, 0xfa, 0xff, 0xff, 0xff, 0],
        ],
      ] as [string, number[]][]
    ).map(([how, bytes]): [string, () => Uint8Array, string] => [
      `has a Snappy block ${how}`,
      () => {
        const table = new Table();
        return table.finish(table.block(bytes, 1));
      },
      `the Snappy block at byte 0 does not unpack to the ${bytes[0]} bytes that it claims (snappy: corrupt input`,
    ]),
    [
      "has a Snappy block that copies from before its begin",
      () => {
        const table = new Table();
        return table.finish(table.block([8, 0x01, 0x05], 1));
      },
      "the Snappy block at byte 0 does not unpack to the 8 bytes that it claims",
    ],
    [
      "has more restart points than bytes",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([HEADER], 1000)));
      },
      "a block has more restart points than bytes",
    ],
    ["has a block without a count", () => new Table().finish(new Table().block([])), "truncated"],
    ["has keys out of order", () => tableOf([HEADER, BIAS, BIAS]), "its keys are not in order"],
    [
      "shares more of a key than there is",
      () => tableOf([HEADER, [5, "x", []]]),
      "a key shares more bytes than the one before it has",
    ],
    ["has no header", () => tableOf([BIAS]), "it does not begin with the checkpoint's header"],
    ["has no entries", () => tableOf([]), "it does not begin with the checkpoint's header"],
    [
      "is big-endian",
      () => tableOf([[0, "", [8, 1, 16, 1]]]),
      "it says that its numbers are big-endian, which is not read",
    ],
    [
      "asks for a newer reader",
      () => tableOf([[0, "", [8, 1, 26, 2, 16, 2]]]),
      "it asks for a reader of version 2; known is 1",
    ],
    [
      "claims a billion data files",
      () => tableOf([[0, "", [8, ...varint(1e9)]], BIAS]),
      "it claims 1000000000 data files",
    ],
    ["claims no data file", () => tableOf([[0, "", []], BIAS]), "it claims 0 data files"],
    [
      "has a negative dimension",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 13, 18, 11, 8, ...Array(9).fill(255), 1]]]),
      `variable "${NAME}" has a shape that is not a list of counts`,
    ],
    [
      "has a shape larger than its bytes",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 4, 18, 2, 8, 3, 40, 8]]]),
      `variable "${NAME}" of F32 [3] needs 12 bytes and is given 8`,
    ],
    [
      "has a tensor in a file that is none of its own",
      () => tableOf([HEADER, [0, NAME, [...field(1, 1), ...field(3, 1), ...field(5, 4)]]]),
      `variable "${NAME}" lies in data file 1 of 1`,
    ],
    [
      "has a tensor at no place",
      () => tableOf([HEADER, [0, NAME, [8, 1, 32, ...varint(Number.MAX_SAFE_INTEGER), 40, 4]]]),
      `variable "${NAME}" lies at no place in a file`,
    ],
    [
      "has a name that is not UTF-8",
      () => tableOf([HEADER, BIAS, [0, "\u{80}", []]]).map((byte) => (byte === 0xc2 ? 0xff : byte)),
      "the checksum of the block at byte 0 is wrong",
    ],
    [
      "has an entry that is cut off",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 100]]]),
      "index out of range",
    ],
  ];

  it.each(cases)("%s", async (_, make, message) => {
    await writeFile(join(dir, "a.index"), make());
    await writeFile(join(dir, "a.data-00000-of-00001"), new Uint8Array(16));
    const error = await openTensorflow(join(dir, "a")).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^[^\n]*a\.index: [^\n]*; the file is damaged, fetch or save it again$/);
  });

  it("has keys that share all but a byte: they are bounded before they take memory", async () => {
    const long = "k".repeat(60_000);
    const entries: Entry[] = [HEADER, [0, long, []]];
    for (let i = 1; i < 2000; i++) entries.push([long.length + i - 1, "k", []]);
    await writeFile(join(dir, "a.index"), tableOf(entries));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining("its entries take more room than any model's"),
    });
  });

  it("has blocks whose keys in the index share all but a byte: they are bounded as well", async () => {
    const table = new Table();
    const empty = () => table.block(blockOf([])).flatMap(varint);
    const long = "k".repeat(60_000);
    const entries: Entry[] = [[0, long, empty()]];
    for (let i = 1; i < 2000; i++) entries.push([long.length + i - 1, "k", empty()]);
    await writeFile(join(dir, "a.index"), table.finish(table.block(blockOf(entries))));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining("its entries take more room than any model's"),
    });
  });

  it("has tensors that overlap, or end beyond the data", async () => {
    const at = (offset: number, name: string): Entry => [
      0,
      name,
      [8, 1, 18, 4, 18, 2, 8, 2, 32, ...varint(offset), 40, 8],
    ];
    const data = join(dir, "a.data-00000-of-00001");
    await writeFile(data, new Uint8Array(16));
    await writeFile(join(dir, "a.index"), tableOf([HEADER, at(0, NAME), at(4, "output_bias")]));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining(`${data}: "output_bias" overlaps what lies before it`),
    });
    await writeFile(join(dir, "a.index"), tableOf([HEADER, at(1e15, NAME)]));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining(
        `${data}: truncated: variable "${NAME}" ends at byte 1000000000000008, 16 are`,
      ),
    });
  });
});

describe("a real checkpoint", () => {
  const shared =
    process.env.FINETAG_SHARED_DATA ?? fileURLToPath(new URL("../../../../../shared/data", import.meta.url));
  const folder = join(shared, "tf1-tiny-bert-checkpoint");

  it("of keras-bert's tests has the tensors of a BERT with two layers", async ({ skip }) => {
    const index = await readFile(join(folder, "bert_model.ckpt.index")).catch(() => undefined);
    skip(index === undefined, `no tf1-tiny-bert-checkpoint in ${shared} (set FINETAG_SHARED_DATA)`);
    const file = await openWeights(folder);
    const entries = file.entries();
    expect(entries.length).toBe(46);
    expect(entries.every(({ source, name }) => source !== name)).toBe(true);
    expect(
      entries.find(({ name }) => name === "bert.encoder.layer.1.intermediate.dense.weight")?.shape,
    ).toEqual([16, 4]);
    for (const { name, shape } of entries) {
      const values = await file.read(name);
      expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
      expect(values.every(Number.isFinite)).toBe(true);
    }
    await file.close();
  });
});
