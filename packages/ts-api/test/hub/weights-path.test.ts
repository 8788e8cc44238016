/** A model that is named by its weights, as the TensorFlow 1 scripts name it. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder, folderForAll } from "../folder.ts";

const TRAINED = fileURLToPath(new URL("../weights/fixtures/tensorflow/trained", import.meta.url));

folderForAll();
afterEach(() => vi.unstubAllEnvs());

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

describe("weights by their path are taken where their folder's model is read from others", () => {
  it("an older checkpoint than the file `checkpoint` names", async () => {
    const older = join(TRAINED, "model.ckpt-1");
    expect(await resolveModel(older)).toBe(older);
    expect(await resolveModel(`${older}.index`)).toBe(older);
    expect((await pullModel(older)).directory).toBe(TRAINED);
    const named = await openWeights(older);
    const usual = await openWeights(TRAINED);
    try {
      expect(named.files.map(({ path }) => path).join()).toContain("model.ckpt-1.");
      expect(usual.files.map(({ path }) => path).join()).toContain("model.ckpt-2.");
    } finally {
      await named.close();
      await usual.close();
    }
  });

  it.each([
    ["pytorch_model.bin", ["model.safetensors", "pytorch_model.bin"]],
    ["best.pt", ["last.pt", "best.pt"]],
    ["model.safetensors.index.json", ["model.safetensors", "model.safetensors.index.json"]],
  ])("%s", async (name, files) => {
    const directory = await filesIn(`both ${name}`, ["config.json", ...files]);
    expect(await resolveModel(join(directory, name))).toBe(join(directory, name));
  });

  it("a checkpoint among several, of which none is the newest", async () => {
    const directory = await filesIn("several", []);
    for (const file of ["model.ckpt-1.index", "model.ckpt-2.index"]) {
      await copyFile(join(TRAINED, file), join(directory, file));
    }
    expect(await resolveModel(join(directory, "model.ckpt-1"))).toBe(join(directory, "model.ckpt-1"));
  });
});

describe("a typo in a model's path", () => {
  const offline = { offline: true };

  it.each([
    "./out/mdel",
    "out/run/mdel",
    "out/mdel/",
    "mdel/bert_model.ckpt",
    "mdel/pytorch_model.bin",
    "~/nowhere-at-all",
  ])("%s is a path, which needs no network", async (path) => {
    const error = await resolveModel(path).catch((caught) => caught);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
    expect(error.message).toMatch(/: there is no such (file|folder)/);
    expect(error.message).not.toMatch(/HF_ENDPOINT|pull/);
  });

  it.each(["mdel", "out/mdel"])("%s may be a model's name, but the folder comes first", async (name) => {
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
    for (const options of [offline, {}]) {
      const error = await resolveModel(name, options).catch((caught) => caught);
      expect(error.message.startsWith(`${name}: there is no such folder`)).toBe(true);
    }
  });

  it("names the folder that was meant", async () => {
    await filesIn("goemotions-model", []);
    await expect(resolveModel(join(folder, "goemotions-modl"))).rejects.toThrow(
      `there is no such folder; did you mean "${join(folder, "goemotions-model")}"?`,
    );
  });
});
