/** Which checkpoint of a folder is meant. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openWeights } from "../../../src/weights/index.ts";
import { folder as dir, folderForEach } from "../../folder.ts";

const TRAINED = fileURLToPath(new URL("../fixtures/tensorflow/trained", import.meta.url));

folderForEach();

async function put(...prefixes: string[]): Promise<void> {
  for (const prefix of prefixes) {
    for (const ending of [".index", ".data-00000-of-00001"])
      await copyFile(join(TRAINED, `model.ckpt-1${ending}`), join(dir, prefix + ending));
  }
}

const state = (contents: string | Uint8Array) => writeFile(join(dir, "checkpoint"), contents);

async function opened(): Promise<string> {
  const file = await openWeights(dir);
  await file.close();
  return file.files[0]!.path;
}

const refusal = (message: string) => ({ code: "ERR_FINETAG_MODEL", message: `${dir}: ${message}` });

it("is the only one, whatever the file `checkpoint` names", async () => {
  await put("model.ckpt-1");
  expect(await opened()).toBe(join(dir, "model.ckpt-1.index"));
  await state('model_checkpoint_path: "model.ckpt-7"\n');
  expect(await opened()).toBe(join(dir, "model.ckpt-1.index"));
});

// Protocol buffers' text format has the bytes of UTF-8 as they are, or escaped, by its version and options.
it.each([
  ["a path", 'model_checkpoint_path: "/home/someone/run/model.ckpt-1"\n', "model.ckpt-1"],
  ["a path of Windows", 'model_checkpoint_path: "C:\\\\runs\\\\model.ckpt-1"\r\n', "model.ckpt-1"],
  ["a name of other letters", 'model_checkpoint_path: "基础.ckpt"\n', "基础.ckpt"],
  [
    "a name of other letters, escaped",
    'model_checkpoint_path: "/runs/\\345\\237\\272\\347\\241\\200.ckpt"\n',
    "基础.ckpt",
  ],
  ["quotes and a digit behind an escape", `model_checkpoint_path: "\\'\\303\\2511\\".ckpt"\n`, "'é1\".ckpt"],
  [
    "another first",
    'all_model_checkpoint_paths: "other.ckpt"\nmodel_checkpoint_path: "model.ckpt-1"\n',
    "model.ckpt-1",
  ],
])("is the one that the file `checkpoint` names by %s", async (_, contents, prefix) => {
  await put("other.ckpt", prefix);
  await state(contents);
  expect(await opened()).toBe(join(dir, `${prefix}.index`));
});

const SEVERAL = "has 2 TensorFlow checkpoints (model.ckpt-1, model.ckpt-2), and";

it("is not guessed among several where nothing says which", async () => {
  await put("model.ckpt-2", "model.ckpt-1");
  await expect(openWeights(dir)).rejects.toMatchObject(
    refusal(`${SEVERAL} no file \`checkpoint\` says which one to use; keep the files of one only`),
  );
});

it.each([
  ["is empty", ""],
  ["is cut off", 'model_checkpoint_path: "model.ckpt-1'],
  ["names a folder", 'model_checkpoint_path: "model.ckpt-1/"'],
  ["has a name that is none", `model_checkpoint_path: "${"x".repeat(1 << 20)}"`],
  ["is blank, at length", "\n".repeat(1 << 22)],
  ["is all spaces", " ".repeat(1 << 22)],
])("is not guessed among several where the file `checkpoint` %s", async (_, contents) => {
  await put("model.ckpt-2", "model.ckpt-1");
  await state(contents);
  await expect(openWeights(dir)).rejects.toMatchObject(
    refusal(`${SEVERAL} its file \`checkpoint\` does not say which one to use; keep the files of one only`),
  );
});

it("is not guessed among several where the one that is named is not there", async () => {
  await put("model.ckpt-2", "model.ckpt-1");
  await state('model_checkpoint_path: "/runs/\\345\\237\\272\\n.ckpt"\n');
  await expect(openWeights(dir)).rejects.toMatchObject(
    refusal(
      `${SEVERAL} its file \`checkpoint\` names "基\\n.ckpt", which is not one of them; ` +
        "copy its files there, or keep the files of one only",
    ),
  );
});

it("is missed by its name where there is none", async () => {
  await state('model_checkpoint_path: "/runs/model.ckpt-7"\n');
  await expect(openWeights(dir)).rejects.toMatchObject(
    refusal(
      'its file `checkpoint` names the TensorFlow checkpoint "model.ckpt-7", which is missing; ' +
        "copy all of its files (.index and .data-…)",
    ),
  );
});

it("is not missed where `checkpoint` is something else", async () => {
  await mkdir(join(dir, "checkpoint"));
  await expect(openWeights(dir)).rejects.toThrow("has no weights");
});

it("is not looked for by a file `checkpoint` that is not UTF-8", async () => {
  await put("model.ckpt-2", "model.ckpt-1");
  await state(Uint8Array.of(0xff));
  await expect(openWeights(dir)).rejects.toMatchObject({
    code: "ERR_FINETAG_MODEL",
    message: `${join(dir, "checkpoint")}: not UTF-8; save it as UTF-8`,
  });
});
