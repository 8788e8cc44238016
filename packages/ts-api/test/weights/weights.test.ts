import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openWeights } from "../../src/weights/index.ts";
import { folder as dir, folderForEach } from "../folder.ts";
import { writeFloats } from "./build.ts";

folderForEach();

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
      'the shard "model-2.safetensors" is missing',
    ],
    ["a tensor elsewhere", { z: "model-1.safetensors" }, 'tensor "z" is not in "model-1.safetensors"'],
    [
      "a path upwards",
      { a: "../model-1.safetensors" },
      'should be in "../model-1.safetensors", which is not the name',
    ],
    [
      "an absolute path",
      { a: "/etc/x.safetensors" },
      "which is not the name of a safetensors file next to it",
    ],
    ["a backslash", { a: "..\\x.safetensors" }, "which is not the name of a safetensors file next to it"],
    [
      "a line break",
      { a: "one\n.safetensors" },
      'in "one\\n.safetensors", which is not the name of a safetensors file next to it; fetch it again',
    ],
    [
      "a name that no file has",
      { a: `${"x".repeat(245)}.safetensors` },
      "which is not the name of a safetensors file next to it; fetch it again",
    ],
    ["another format", { a: "pytorch_model.bin" }, "which is not the name of a safetensors file next to it"],
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

describe("a directory with weights in several formats", () => {
  it("is read in the order of trust: safetensors, PyTorch, TensorFlow", async () => {
    const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
    const formats: string[] = [];
    const add = async () => {
      const file = await openWeights(dir);
      formats.push(file.format);
      await file.close();
    };
    for (const ending of ["index", "data-00000-of-00001"]) {
      await copyFile(
        join(fixtures, "tensorflow", `dtypes.ckpt.${ending}`),
        join(dir, `bert_model.ckpt.${ending}`),
      );
    }
    await add();
    await copyFile(join(fixtures, "pytorch/legacy.bin"), join(dir, "pytorch_model.bin"));
    await add();
    await writeFloats(join(dir, "model.safetensors"), { a: [1] });
    await add();
    expect(formats).toEqual(["TensorFlow checkpoint", "PyTorch (form before 1.6)", "safetensors"]);
  });
});

describe("a directory without weights that are read", () => {
  it.each([
    [
      "tf_model.h5",
      "has tf_model.h5, Keras weights, which finetag does not read; fetch the model with safetensors",
    ],
    [
      "flax_model.msgpack",
      "has flax_model.msgpack, Flax weights, which finetag does not read; fetch the model with",
    ],
    ["model.onnx", "has model.onnx, a model made for inference only; fetch the model with safetensors"],
    [
      "model.ckpt-1000.data-00000-of-00001",
      "has model.ckpt-1000.data-00000-of-00001, a part of a TensorFlow checkpoint without its .index; copy all of its",
    ],
    [
      "bert_model.ckpt.meta",
      "has bert_model.ckpt.meta, a part of a TensorFlow checkpoint without its .index",
    ],
    [
      "notes.txt",
      "has no weights (model.safetensors, pytorch_model.bin, or a TensorFlow checkpoint); give a model's folder",
    ],
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
