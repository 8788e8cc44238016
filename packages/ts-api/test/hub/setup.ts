import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { HubServer } from "./hub-server.ts";

export const WEIGHTS = randomBytes(300_000);
export const MODEL = {
  ".gitattributes": "*.safetensors filter=lfs",
  "README.md": "a model",
  "config.json": '{"model_type":"bert"}',
  "model.safetensors": WEIGHTS,
  "onnx/model.onnx": "x",
  "pytorch_model.bin": "a pickle",
  "tf_model.h5": "x",
  "tokenizer.json": "{}",
  "tokenizer_config.json": "{}",
  "vocab.txt": "[PAD]\n[UNK]\n",
};
export const NEEDED = [
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
];

export let cache: string;
export let server: HubServer;

/** A server that speaks the Hub's protocol and a cache of its own for each test of a file. */
export function useHub(): void {
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), "finetag-hub-"));
    server = await HubServer.start();
    vi.stubEnv("HF_ENDPOINT", server.url);
    vi.stubEnv("HF_HUB_CACHE", join(cache, "hub"));
    vi.stubEnv("FINETAG_CACHE", join(cache, "finetag"));
    for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HUGGING_FACE_HUB_TOKEN"])
      vi.stubEnv(name, "");
    vi.stubEnv("HF_TOKEN_PATH", join(cache, "token"));
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.stop();
    await rm(cache, { recursive: true, force: true });
  });
}

export const repoFolder = () => join(cache, "hub", "models--acme--tiny");
export const blob = (name: string) => join(repoFolder(), "blobs", name);
export const incomplete = async () =>
  (await readdir(join(repoFolder(), "blobs"))).filter((name) => name.includes("incomplete"));
