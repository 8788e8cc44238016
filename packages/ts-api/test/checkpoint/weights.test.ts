import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openWeights } from "../../src/checkpoint/index.ts";
import { writeFloats } from "./build.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "finetag-weights-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

function writeIndex(weightMap: unknown): Promise<void> {
  return writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
}

describe("shards", () => {
  it("read as one file", async () => {
    await writeFloats(join(dir, "model-1.safetensors"), { a: [1, 2], unmapped: [9] });
    await writeFloats(join(dir, "model-2.safetensors"), { b: [3] });
    await writeIndex({ a: "model-1.safetensors", b: "model-2.safetensors" });
    const tensors = await openWeights(dir);
    expect(tensors.entries().map(({ name }) => name)).toEqual(["a", "b"]);
    expect([...(await tensors.read("a")), ...(await tensors.read("b"))]).toEqual([1, 2, 3]);
    expect((await tensors.readBytes("b")).byteLength).toBe(4);
    await expect(tensors.read("c")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    await tensors.close();
    await tensors.close();
  });

  it("give way to a single file", async () => {
    await writeFloats(join(dir, "model.safetensors"), { a: [1] });
    await writeIndex({ a: "missing.safetensors" });
    const tensors = await openWeights(dir);
    expect([...(await tensors.read("a"))]).toEqual([1]);
    await tensors.close();
  });

  it.each<[string, unknown, string]>([
    [
      "a missing shard",
      { a: "model-1.safetensors", b: "model-2.safetensors" },
      "the shard model-2.safetensors is missing",
    ],
    ["a tensor elsewhere", { z: "model-1.safetensors" }, 'tensor "z" is not in model-1.safetensors'],
    [
      "a path upwards",
      { a: "../model-1.safetensors" },
      'is said to be in "../model-1.safetensors", which is not the name',
    ],
    [
      "an absolute path",
      { a: "/etc/x.safetensors" },
      "which is not the name of a safetensors file beside it",
    ],
    ["a backslash", { a: "..\\x.safetensors" }, "which is not the name of a safetensors file beside it"],
    ["another format", { a: "pytorch_model.bin" }, "which is not the name of a safetensors file beside it"],
    ["a list", ["a"], '"weight_map" is not an object of file names'],
    ["no names", { a: 1 }, '"weight_map" is not an object of file names'],
  ])("refuse %s", async (_, weightMap, message) => {
    await writeFloats(join(dir, "model-1.safetensors"), { a: [1, 2] });
    await writeIndex(weightMap);
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(message),
    });
  });

  it("refuse an index that is not JSON", async () => {
    await writeFile(join(dir, "model.safetensors.index.json"), "{");
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("model.safetensors.index.json: not JSON"),
    });
  });
});

describe("a directory without safetensors", () => {
  it.each([
    [
      "pytorch_model.bin",
      "holds pytorch_model.bin but no model.safetensors; convert it once, with transformers",
    ],
    ["pytorch_model.bin.index.json", "holds pytorch_model.bin.index.json but no model.safetensors"],
    ["bert_model.ckpt.index", "holds bert_model.ckpt.index but no model.safetensors; take the same model in"],
    ["model.ckpt-1000.data-00000-of-00001", "holds model.ckpt-1000.data-00000-of-00001 but no"],
    ["tf_model.h5", "holds tf_model.h5 but no model.safetensors"],
    ["notes.txt", "there is no model.safetensors in it; name a folder with a model"],
  ])("that holds %s says what to do", async (name, message) => {
    await writeFile(join(dir, name), "");
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(`${dir}: ${message}`),
    });
  });

  it("that is not there is named", async () => {
    await expect(openWeights(join(dir, "no"))).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringContaining("there is no such"),
    });
  });
});
