/** Files that are whole, and something else than their name says. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openTokenizer } from "../../src/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder as dir, folderForEach } from "../folder.ts";
import { build } from "./build.ts";
import { HEADER, tableOf } from "./tensorflow/table.ts";

folderForEach();

const POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440473133\n";
const IS_POINTER = "it is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`";

const KINDS: [string, Uint8Array, string][] = [
  ["nothing", Buffer.alloc(0), "it is empty; fetch it again"],
  ["a pointer of Git LFS", Buffer.from(POINTER), IS_POINTER],
  [
    "a web page",
    Buffer.from("\n<!DOCTYPE html><html>Log in</html>"),
    "it is a web page; fetch the file itself",
  ],
  ["gzip", gzipSync(randomBytes(700_000)), "it is compressed with gzip; decompress it first"],
  ["a little gzip", gzipSync("x".repeat(100)), "it is compressed with gzip; decompress it first"],
  ["HDF5", Buffer.from("\x89HDF\r\n\x1a\n and more", "latin1"), "it is HDF5 (Keras)"],
];

describe.each(["model.safetensors", "pytorch_model.bin", "bert_model.ckpt.index"])("%s", (name) => {
  const put = async (contents: Uint8Array) => {
    await writeFile(join(dir, name), contents);
    if (name.endsWith(".index")) await writeFile(join(dir, "bert_model.ckpt.data-00000-of-00001"), "");
  };

  it.each(KINDS)("that is %s is called so", async (_, contents, message) => {
    await put(contents);
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(`${join(dir, name)}: ${message}`),
    });
  });
});

const SAFETENSORS = build({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, new Uint8Array(4));
// Its header is 0x80 bytes long: a pickle begins with that byte.
const LIKE_A_PICKLE = build(
  JSON.stringify({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }).padEnd(0x80),
  new Uint8Array(4),
);

describe("weights under another format's name", () => {
  it.each([
    ["pytorch_model.bin", SAFETENSORS, "it is a safetensors file; name it model.safetensors"],
    ["pytorch_model.bin", LIKE_A_PICKLE, "it is a safetensors file; name it model.safetensors"],
    ["model.safetensors", Buffer.from("PK\x03\x04 and more"), "it is a zip archive; if torch.save wrote it"],
    ["model.ckpt", tableOf([HEADER]), "it is a TensorFlow checkpoint in one file (V1)"],
  ])("%s", async (name, contents, message) => {
    await writeFile(join(dir, name), contents);
    await expect(openWeights(dir)).rejects.toThrow(`${join(dir, name)}: ${message}`);
  });
});

describe("a small file that is a pointer of Git LFS", () => {
  it.each(["tokenizer.json", "vocab.txt", "spiece.model"])("%s", async (name) => {
    await writeFile(join(dir, "config.json"), JSON.stringify({ model_type: "albert", vocab_size: 9 }));
    await writeFile(join(dir, name), POINTER);
    await expect(openTokenizer(dir)).rejects.toThrow(`${join(dir, name)}: ${IS_POINTER}`);
  });
});
