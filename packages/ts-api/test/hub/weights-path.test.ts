/** A model that is named by its weights, as the TensorFlow 1 scripts name it. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { folder, folderForAll } from "../folder.ts";

const TRAINED = fileURLToPath(new URL("../weights/fixtures/tensorflow/trained", import.meta.url));

folderForAll();

async function filesIn(name: string, files: readonly string[]): Promise<string> {
  const directory = join(folder, name);
  await mkdir(directory);
  for (const file of files) await writeFile(join(directory, file), "");
  return directory;
}

const PARTS = ["bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001", "bert_model.ckpt.meta"];

describe("weights by their path are their folder's model", () => {
  it.each([
    ["bert_model.ckpt", PARTS],
    ["bert_model.ckpt.index", PARTS],
    ["bert_model.ckpt.meta", PARTS],
    ["bert_model.ckpt.data-00000-of-00001", PARTS],
    ["model.safetensors", ["model.safetensors", "pytorch_model.bin"]],
    ["model.safetensors.index.json", ["model.safetensors.index.json", "model-00001-of-00001.safetensors"]],
    ["pytorch_model.bin", ["pytorch_model.bin", ...PARTS]],
    ["best.pt", ["best.pt", "optimizer.pt"]],
  ])("%s", async (name, files) => {
    const directory = await filesIn(`good ${name}`, ["config.json", ...files]);
    expect(await resolveModel(join(directory, name))).toBe(directory);
    expect((await pullModel(relative(".", join(directory, name)))).directory).toBe(directory);
  });

  it("the newest checkpoint of a training too", async () => {
    expect(await resolveModel(join(TRAINED, "model.ckpt-2"))).toBe(TRAINED);
  });
});

describe("weights that their folder's model is not read from are refused", () => {
  it("an older checkpoint", async () => {
    await expect(resolveModel(join(TRAINED, "model.ckpt-1"))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message:
        `${TRAINED}/model.ckpt-1: finetag would read model.ckpt-2 of the same folder instead; give the folder (${TRAINED}) to ` +
        "use that, or one that has only the files of this model",
    });
  });

  it("a file next to others that come first", async () => {
    const directory = await filesIn("both", ["model.safetensors", "pytorch_model.bin"]);
    await expect(resolveModel(join(directory, "pytorch_model.bin"))).rejects.toThrow(
      "finetag would read model.safetensors of the same folder instead; give the folder",
    );
  });

  it("a checkpoint among several, of which none is the newest", async () => {
    const directory = await filesIn("several", []);
    for (const file of ["model.ckpt-1.index", "model.ckpt-2.index"]) {
      await copyFile(join(TRAINED, file), join(directory, file));
    }
    await expect(resolveModel(join(directory, "model.ckpt-1"))).rejects.toThrow(
      "no file `checkpoint` says which one to use",
    );
  });
});
