import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import {
  type FinetagJson,
  formatJson,
  readFinetagJson,
  readModelConfig,
  saveModelDirectory,
} from "../../src/models/index.ts";
import { type SavedModel, savedConfigJson } from "../../src/models/save.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder as dir, folderForEach } from "../folder.ts";
import { smallDisk } from "../io/full-disk.ts";

folderForEach();

const finetag: FinetagJson = {
  version: 1,
  threshold: 0.5,
  thresholds: { b: 0.25 },
  maxLength: 64,
  columns: { text: "text", labels: { kind: "delimited", column: "labels", separator: ",", values: "ids" } },
  arguments: { epochs: 3 },
  versions: { finetag: "0.1.0" },
};

const json = {
  model_type: "bert",
  hidden_size: 24,
  num_labels: 7,
  torch_dtype: "float16",
  architectures: ["BertModel"],
  custom: { kept: true },
};

function model(weight: number, change: Partial<SavedModel> = {}): SavedModel {
  return {
    config: parseModelConfig(json, "config.json"),
    labels: ["b", "a", "10"],
    tensors: [{ name: "classifier.weight", shape: [2], read: async () => Float32Array.of(weight, weight) }],
    tokenizerFiles: new Map([["tokenizer.json", new TextEncoder().encode("{}")]]),
    finetag,
    ...change,
  };
}

async function savedWeight(): Promise<number | undefined> {
  const weights = await openWeights(dir);
  try {
    return (await weights.read("classifier.weight"))[0];
  } finally {
    await weights.close();
  }
}

describe("savedConfigJson", () => {
  it("keeps unknown keys, and says what transformers needs", () => {
    expect(savedConfigJson(parseModelConfig(json, "config.json"), ["b", "a"])).toEqual({
      model_type: "bert",
      hidden_size: 24,
      custom: { kept: true },
      architectures: ["BertForSequenceClassification"],
      dtype: "float32",
      problem_type: "multi_label_classification",
      id2label: { "0": "b", "1": "a" },
      label2id: { b: 0, a: 1 },
    });
  });
});

describe("saveModelDirectory", () => {
  it("writes a model that is read back", async () => {
    await saveModelDirectory(dir, model(1));
    expect((await readdir(dir)).sort()).toEqual([
      "config.json",
      "finetag.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    const config = await readModelConfig(dir);
    expect([config.labels, config.native.numLabels]).toEqual([["b", "a", "10"], 3]);
    expect(await readFinetagJson(dir)).toEqual(finetag);
    expect(await savedWeight()).toBe(1);
  });

  it("replaces an older model and its tokenizer files, and nothing else", async () => {
    const older = new Map(["vocab.txt", "added_tokens.json"].map((name) => [name, new Uint8Array(3)]));
    await saveModelDirectory(dir, model(1, { tokenizerFiles: older }));
    await mkdir(join(dir, "checkpoints"));
    await writeFile(join(dir, "metrics.json"), "{}");
    await saveModelDirectory(dir, model(2));
    expect((await readdir(dir)).sort()).toEqual([
      "checkpoints",
      "config.json",
      "finetag.json",
      "metrics.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    expect(await savedWeight()).toBe(2);
  });

  it("touches only the weights where only they differ", async () => {
    await saveModelDirectory(dir, model(1));
    const before = await stat(join(dir, "config.json"));
    await saveModelDirectory(dir, model(2));
    expect((await stat(join(dir, "config.json"))).ino).toBe(before.ino);
    expect(await savedWeight()).toBe(2);
  });

  it("keeps the whole older model when a tensor cannot be had", async () => {
    await saveModelDirectory(dir, model(1));
    const read = () => Promise.reject(new Error("gone"));
    const failing = model(2, { labels: ["x"], tensors: [{ name: "classifier.weight", shape: [2], read }] });
    await expect(saveModelDirectory(dir, failing)).rejects.toThrow("gone");
    expect((await readModelConfig(dir)).labels).toEqual(["b", "a", "10"]);
    expect(await savedWeight()).toBe(1);
  });

  it("keeps the whole older model when the disk is full", async (context) => {
    const disk = await smallDisk(1024 * 1024);
    if (disk === undefined) return context.skip();
    try {
      const folder = join(disk.folder, "out");
      await saveModelDirectory(folder, model(1));
      const before = (await readdir(folder)).sort();
      const big = {
        name: "classifier.weight",
        shape: [1_000_000],
        read: async () => new Float32Array(1_000_000),
      };
      await expect(
        saveModelDirectory(folder, model(2, { labels: ["x"], tensors: [big] })),
      ).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: `${folder}: no space left on the device; free space, the older file is untouched`,
      });
      expect((await readdir(folder)).sort()).toEqual(before);
      expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8")).label2id).toEqual({
        b: 0,
        a: 1,
        "10": 2,
      });
      await saveModelDirectory(folder, model(3));
    } finally {
      await disk.release();
    }
  });

  it("that a crash cut off is finished when the model is read", async () => {
    await saveModelDirectory(dir, model(1));
    const commit = join(dir, ".finetag-commit");
    await mkdir(commit);
    await writeFile(join(commit, "config.json"), JSON.stringify({ ...json, id2label: { "0": "new" } }));
    await writeFile(join(commit, "finetag-commit.json"), '{"files": ["config.json"], "stale": []}');
    expect((await readModelConfig(dir)).labels).toEqual(["new"]);
  });
});

describe("finetag.json", () => {
  it("is absent in models from elsewhere", async () => {
    expect(await readFinetagJson(dir)).toBeUndefined();
  });

  it("is written and read", async () => {
    await writeFile(join(dir, "finetag.json"), formatJson(finetag));
    expect(await readFinetagJson(dir)).toEqual(finetag);
  });

  it.each([
    [{ ...finetag, version: 2 }, "written by a newer finetag (version 2 of the file); update finetag"],
    [{ ...finetag, threshold: 2 }, '"threshold": Too big'],
    [{ ...finetag, columns: { text: "t", labels: { kind: "x" } } }, '"columns.labels.kind": Invalid'],
    [null, "Invalid input"],
  ])("is refused where finetag did not write it (%#)", async (contents, message) => {
    await writeFile(join(dir, "finetag.json"), JSON.stringify(contents));
    await expect(readFinetagJson(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(message),
    });
  });
});
