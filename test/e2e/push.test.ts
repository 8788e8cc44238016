import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HubServer } from "../../packages/ts-api/test/hub/hub-server.ts";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "./program.ts";

let folder: string;
let model: string;
let server: HubServer;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-push-"));
  model = await writeTinyModel(join(folder, "model"), { id2label: { 0: "joy", 1: "fear" } });
  server = await HubServer.start();
  server.writers.set("hf_acme", { owners: ["acme"] });
  env = {
    HF_ENDPOINT: server.url,
    HF_HUB_CACHE: join(folder, "hub"),
    HF_TOKEN_PATH: join(folder, "token"),
    HF_TOKEN: "hf_acme",
    HF_HUB_OFFLINE: "",
    TRANSFORMERS_OFFLINE: "",
  };
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test("--dry-run prints files and card, and asks nobody", async () => {
  const { code, stdout } = await finetag(["push", model, "acme/tiny", "--dry-run"], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^file +size *\nconfig\.json +\d+ B/);
  expect(stdout).toContain("\npipeline_tag: text-classification\n");
  expect(server.seen).toEqual([]);
});

test("a pushed model can be pulled, and is the same", async () => {
  const pushed = await finetag(["push", model, "acme/tiny", "--private", "--commit-message", "First"], {
    env,
  });
  expect(pushed).toMatchObject({ code: 0, stdout: `${server.url}/acme/tiny\n` });
  expect(pushed.stderr).toContain("uploading model.safetensors\n");
  expect(pushed.stderr).toMatch(/\d files, commit [0-9a-f]{40}\n$/);
  expect(server.repos.get("acme/tiny")).toMatchObject({ private: true, log: [{ title: "First" }] });
  const pulled = await finetag(["pull", "acme/tiny"], { env });
  expect(pulled.code).toBe(0);
  const name = "model.safetensors";
  expect(await readFile(join(pulled.stdout.trim(), name))).toEqual(await readFile(join(model, name)));
});

test("what is wrong is said in one line", async () => {
  for (const [args, code, message] of [
    [["push"], 2, "push takes a directory and a repository: finetag push DIR OWNER/NAME"],
    [["push", model, "acme/tiny", "more"], 2, "push takes a directory and a repository"],
    [["push", folder, "acme/tiny"], 2, "the model is incomplete, config.json is missing"],
    [["push", model, "tiny"], 2, '"tiny" is not a repository'],
    [["push", model, "other/tiny"], 1, "has no write access (403"],
  ] as const) {
    const { stderr, ...ended } = await finetag([...args], { env });
    expect(ended).toEqual({ code, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
});
