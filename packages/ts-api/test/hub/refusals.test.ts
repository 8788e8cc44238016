import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { cache, MODEL, repoFolder, server, useHub } from "./setup.ts";

useHub();

describe("refusals", () => {
  it("name the model that was probably meant", async () => {
    await expect(pullModel("google-bert/bert-base-uncasd")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message:
        `google-bert/bert-base-uncasd: ${server.url} has no such public model (401); ` +
        'did you mean "bert-base-uncased"?, or set HF_TOKEN for a private one',
    });
    vi.stubEnv("HF_TOKEN", "hf_mine");
    await expect(pullModel("acme/no-such-thing-at-all")).rejects.toMatchObject({
      message: `acme/no-such-thing-at-all: ${server.url} has no such model; check the spelling`,
    });
  });

  it("of a private model end when the token is there, and it is not shown to the storage", async () => {
    server.add("acme/tiny", MODEL, { token: "hf_mine" });
    await expect(pullModel("acme/tiny")).rejects.toThrow("set HF_TOKEN for a private one");
    vi.stubEnv("HF_TOKEN", "hf_other");
    await expect(pullModel("acme/tiny")).rejects.toThrow("does not accept the token in HF_TOKEN (401)");
    await writeFile(join(cache, "token"), "hf_mine");
    await expect(pullModel("acme/tiny"), "the variable wins").rejects.toThrow("in HF_TOKEN (401)");
    vi.stubEnv("HF_TOKEN", "hf_mine");
    server.seen.length = 0;
    await pullModel("acme/tiny");
    expect(
      server.seen.filter((s) => s.server === "hub").every((s) => s.authorization === "Bearer hf_mine"),
    ).toBe(true);
    expect(server.seen.filter((s) => s.server === "storage").some((s) => s.authorization)).toBe(false);
  });

  it("of a private model end with the token that a login left", async () => {
    server.add("acme/tiny", MODEL, { token: "hf_stored" });
    await writeFile(join(cache, "token"), "hf_stored\n");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    await expect(pullModel("acme/tiny")).rejects.toThrow("set HF_TOKEN for a private one");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "");
    await pullModel("acme/tiny");
    await rm(repoFolder(), { recursive: true });
    vi.stubEnv("HF_TOKEN_PATH", undefined);
    vi.stubEnv("HF_HOME", cache);
    await pullModel("acme/tiny");
    await rm(join(cache, "hub"), { recursive: true });
    await writeFile(join(cache, "token"), "hf_old");
    await expect(pullModel("acme/tiny")).rejects.toThrow(`the token in ${join(cache, "token")} (401)`);
    await writeFile(join(cache, "token"), "<html>");
    await expect(pullModel("acme/tiny")).rejects.toThrow(
      `${join(cache, "token")}: an access token starts with "hf_"`,
    );
  });

  it("of a gated model say where its terms are", async () => {
    server.add("acme/tiny", MODEL, { gated: true });
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message: expect.stringContaining(`accept the model's terms at ${server.url}/acme/tiny`),
    });
  });

  it("come early for names and settings that cannot be right", async () => {
    await expect(pullModel("some thing")).rejects.toMatchObject({ code: "ERR_FINETAG_ARGUMENT" });
    await expect(resolveModel("./nowhere")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    await expect(resolveModel("a/b/c")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    const file = join(cache, "file");
    await writeFile(file, "");
    await expect(resolveModel(file)).rejects.toThrow("is a file; give the model's directory");
    vi.stubEnv("HF_TOKEN", "secret");
    await expect(pullModel("acme/tiny")).rejects.toThrow('an access token starts with "hf_"');
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_ENDPOINT", "mirror.example");
    await expect(pullModel("acme/tiny")).rejects.toThrow('HF_ENDPOINT: "mirror.example" is not a URL');
    expect(server.seen).toEqual([]);
  });

  it("meet a server whose commit is none, as it would name folders outside the cache", async () => {
    const commit = "../../../../outside";
    server.add("acme/tiny", MODEL, { commit, revisions: { main: commit } });
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message: `acme/tiny: ${server.url} says that "main" is "${commit}", which is not a commit; try another endpoint (HF_ENDPOINT)`,
    });
    expect(server.fetchedFiles()).toEqual([]);
  });

  it("of a server that does not answer come in time", async () => {
    server.add("acme/tiny", MODEL);
    vi.stubEnv("HF_HUB_ETAG_TIMEOUT", "0.1");
    server.faults = [{ path: "revision", kind: "silent", times: 99 }];
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message: expect.stringContaining(`cannot download from ${server.url} (no answer for 0.1 s)`),
    });
  });

  it.each([
    ["endless-pages", "100 pages"],
    ["endless-page", "64 MiB"],
  ] as const)("come to an end where a server's list of files has none: %s", async (kind, limit) => {
    server.add("acme/tiny", MODEL);
    server.faults = [{ path: "tree", kind, times: Number.POSITIVE_INFINITY }];
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message:
        `acme/tiny: ${server.url} sends an endless answer about the repository (${limit} so far); ` +
        "set HF_ENDPOINT to another mirror",
    });
    // Asked once: such a server would say the same again.
    expect(server.seen.filter(({ url }) => url.includes("/revision/"))).toHaveLength(1);
    expect(server.fetchedFiles()).toEqual([]);
  });

  it.each([401, 403, 404, 500])("with %i of a model in the cache are told as a warning", async (status) => {
    server.add("acme/tiny", MODEL);
    const { directory, warning } = await pullModel("acme/tiny");
    expect(warning).toBeUndefined();
    server.faults.push({ path: "revision", kind: "status", status, times: 9 });
    expect(await pullModel("acme/tiny")).toEqual({
      directory,
      source: "cache",
      files: expect.arrayContaining(["config.json"]),
      warning: expect.stringMatching(
        new RegExp(
          `^acme/tiny: .*${server.url}.*; using the copy in the cache, which may not be the newest$`,
        ),
      ),
    });
  });

  it("of one file name the file", async () => {
    server.add("acme/tiny", MODEL);
    const refuse = (path: string, status: number) => {
      server.faults.push({ path, kind: "status", status, times: 9 });
      return expect(pullModel("acme/tiny")).rejects;
    };
    await refuse("config.json", 404).toThrow(
      `acme/tiny: ${server.url} lists config.json but does not have it (404); set HF_ENDPOINT to another mirror`,
    );
    server.faults.length = 0;
    await refuse("config.json", 401).toThrow(
      `acme/tiny: ${server.url} refuses config.json (401); set HF_TOKEN to a token that may read it`,
    );
    vi.stubEnv("HF_TOKEN", "hf_mine");
    await refuse("config.json", 401).toThrow("refuses config.json (401); renew the token in HF_TOKEN");
  });

  it("of a closed port fall back to the cache, else say what to do", async () => {
    server.add("acme/tiny", MODEL);
    const { directory } = await pullModel("acme/tiny");
    const { url } = server;
    await server.stop();
    expect(await pullModel("acme/tiny")).toMatchObject({ directory, source: "cache" });
    await expect(pullModel("acme/other")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message: expect.stringMatching(
        new RegExp(`^acme/other: cannot download from ${url} \\(.*ECONNREFUSED.*\\); check the network`),
      ),
    });
  });
});
