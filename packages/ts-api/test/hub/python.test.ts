/** The cache is shared with huggingface_hub, in both directions. Runs where FINETAG_PEER_PYTHON has it. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pullModel } from "../../src/hub/index.ts";
import { peerPython } from "../tokenizer/parity.ts";
import { HubServer } from "./hub-server.ts";

const python = peerPython();
const FILES = {
  "config.json": "{}",
  "model.safetensors": randomBytes(300_000),
  "tokenizer.json": "{}",
  "vocab.txt": "a\n",
};

let cache: string;
let server: HubServer;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "finetag-python-"));
  server = await HubServer.start();
  server.add("acme/tiny", FILES);
  vi.stubEnv("HF_ENDPOINT", server.url);
  vi.stubEnv("HF_HUB_CACHE", join(cache, "hub"));
  vi.stubEnv("HF_TOKEN_PATH", join(cache, "token"));
  vi.stubEnv("HF_HUB_DISABLE_XET", "1");
  for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE"]) vi.stubEnv(name, "");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(cache, { recursive: true, force: true });
});

/** Not synchronously: the server answers from this process. */
async function download(environment: Record<string, string> = {}): Promise<string[]> {
  const names = JSON.stringify(Object.keys(FILES));
  const code = `from huggingface_hub import hf_hub_download\nfor name in ${names}: print(hf_hub_download("acme/tiny", name))`;
  const env = { ...process.env, ...environment };
  const { stdout } = await promisify(execFile)(python!, ["-c", code], { env });
  return stdout.trim().split("\n");
}

describe.skipIf(python === undefined)("the cache of huggingface_hub", { timeout: 120_000 }, () => {
  it("gives Python what finetag fetched", async () => {
    const { directory } = await pullModel("acme/tiny");
    const paths = Object.keys(FILES).map((name) => join(directory, name));
    server.seen.length = 0;
    expect(await download({ HF_HUB_OFFLINE: "1" })).toEqual(paths);
    expect(server.seen).toEqual([]);
    expect(await download()).toEqual(paths);
    const asked = server.seen.filter(({ url }) => url.includes("/resolve/"));
    expect(asked.map(({ method }) => method)).toEqual(paths.map(() => "HEAD"));
  });

  it("gives finetag what Python fetched", async () => {
    const paths = await download();
    server.seen.length = 0;
    const { directory } = await pullModel("acme/tiny");
    expect(Object.keys(FILES).map((name) => join(directory, name))).toEqual(paths);
    expect(server.fetchedFiles()).toEqual([]);
    expect((await pullModel("acme/tiny", { offline: true })).directory).toBe(directory);
  });
});
