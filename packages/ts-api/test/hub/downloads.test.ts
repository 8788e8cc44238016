import { randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { sha256 } from "./hub-server.ts";
import { blob, cache, incomplete, MODEL, repoFolder, server, useHub, WEIGHTS } from "./setup.ts";

useHub();

describe("broken downloads", () => {
  it("continue at the byte where the connection broke", async () => {
    server.add("acme/tiny", MODEL);
    server.faults = [{ path: "model.safetensors", kind: "break", times: 2, after: 100_000 }];
    const { directory } = await pullModel("acme/tiny");
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
    const starts = server.seen.filter((s) => s.server === "storage").map((s) => s.range);
    expect(starts[0]).toBeUndefined();
    expect(starts).toHaveLength(3);
    for (const range of starts.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-299999$/);
  });

  it("continue a file that an ended process left", async () => {
    server.add("acme/tiny", MODEL);
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    // No process has this id: the kernel's limit is 2^22.
    await writeFile(`${blob(sha256(WEIGHTS))}.99999999-0.incomplete`, WEIGHTS.subarray(0, 250_000));
    await pullModel("acme/tiny");
    expect(server.seen.filter((s) => s.server === "storage").map((s) => s.range)).toEqual([
      "bytes=250000-299999",
    ]);
    expect(await readFile(blob(sha256(WEIGHTS)))).toEqual(WEIGHTS);
    expect(await incomplete()).toEqual([]);
  });

  it("start afresh when what was left is not the file's begin", async () => {
    server.add("acme/tiny", MODEL);
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    await writeFile(`${blob(sha256(WEIGHTS))}.99999999-0.incomplete`, randomBytes(1000));
    const { directory } = await pullModel("acme/tiny");
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
  });

  it("start afresh when the server ignores ranges", async () => {
    server.add("acme/tiny", MODEL);
    server.faults = [
      { path: "model.safetensors", kind: "break", times: 1, after: 1000 },
      { path: "model.safetensors", kind: "ignore-range", times: 2 },
    ];
    const { directory } = await pullModel("acme/tiny");
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
  });

  it("go on after a server that fell silent in the middle", async () => {
    server.add("acme/tiny", MODEL);
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    server.faults = [{ path: "model.safetensors", kind: "stall", times: 1, after: 50_000 }];
    const { directory } = await pullModel("acme/tiny");
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
  });

  it("wait for a slow server as long as it sends something", async () => {
    server.add("acme/tiny", MODEL);
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.5");
    server.faults = [
      { path: "config.json", kind: "drip", times: 1, after: 1 },
      { path: "model.safetensors", kind: "drip", times: 1, after: 4000 },
    ];
    const pieces = new Map<string, number>();
    const started = performance.now();
    const { directory } = await pullModel("acme/tiny", {
      onProgress: ({ file }) => pieces.set(file, (pieces.get(file) ?? 0) + 1),
    });
    // Several times as long as the silence that would have ended it.
    expect(performance.now() - started).toBeGreaterThan(3000);
    expect(pieces.get("config.json")).toBe(MODEL["config.json"].length);
    expect(pieces.get("model.safetensors")).toBeGreaterThanOrEqual(WEIGHTS.length / 4000);
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
    expect(server.fetchedFiles().filter((name) => pieces.get(name)! > 1)).toHaveLength(2);
  }, 20_000);

  it("are tried again after a server's error, and given up with one line", async () => {
    server.add("acme/tiny", MODEL);
    server.faults = [{ path: "model.safetensors", kind: "status", times: 1, status: 503 }];
    await pullModel("acme/tiny");
    await rm(repoFolder(), { recursive: true });
    server.faults = [{ path: "model.safetensors", kind: "status", times: 99, status: 503 }];
    const error = await pullModel("acme/tiny").catch((e) => e);
    expect(error.code).toBe("ERR_FINETAG_DOWNLOAD");
    expect(error.message).toMatch(
      /^acme\/tiny: \S+ has a problem \(the server answered 503 Service Unavailable\); [^\n]+$/,
    );
  }, 20_000);

  it.each(["model.safetensors", "config.json"])(
    "with a wrong checksum of %s end in an error and keep nothing",
    async (path) => {
      server.add("acme/tiny", MODEL);
      server.faults = [{ path, kind: "corrupt", times: 99 }];
      await expect(pullModel("acme/tiny")).rejects.toMatchObject({
        code: "ERR_FINETAG_DOWNLOAD",
        message: expect.stringContaining(`${path} came from ${server.url} with a wrong checksum`),
      });
      expect(await incomplete()).toEqual([]);
      server.faults = [];
      await pullModel("acme/tiny");
    },
  );

  it("leave an older snapshot usable", async () => {
    server.add("acme/tiny", MODEL);
    const { directory } = await pullModel("acme/tiny");
    server.add("acme/tiny", { ...MODEL, "model.safetensors": randomBytes(1000) });
    server.faults = [{ path: "model.safetensors", kind: "corrupt", times: 99 }];
    await expect(pullModel("acme/tiny")).rejects.toThrow("wrong checksum");
    expect(await resolveModel("acme/tiny", { offline: true })).toBe(directory);
  });

  it("stop at the signal and continue later", async () => {
    server.add("acme/tiny", MODEL);
    server.faults = [{ path: "model.safetensors", kind: "stall", times: 1, after: 120_000 }];
    const controller = new AbortController();
    const pulling = pullModel("acme/tiny", {
      signal: controller.signal,
      onProgress: ({ receivedBytes }) => {
        if (receivedBytes === 120_000) controller.abort();
      },
    });
    await expect(pulling).rejects.toMatchObject({ code: "ERR_FINETAG_ABORTED" });
    expect(await incomplete()).toHaveLength(1);
    server.seen.length = 0;
    await pullModel("acme/tiny");
    expect(server.seen.find((s) => s.server === "storage")?.range).toBe("bytes=120000-299999");
  });

  it("do not meet each other when two run at once", async () => {
    server.add("acme/tiny", MODEL);
    const [a, b] = await Promise.all([pullModel("acme/tiny"), pullModel("acme/tiny")]);
    expect(a.directory).toBe(b.directory);
    expect(await readFile(join(a.directory, "model.safetensors"))).toEqual(WEIGHTS);
    expect(await incomplete()).toEqual([]);
  });

  it("say that the disk is full, and free what they took", async () => {
    server.add("acme/tiny", MODEL);
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    await symlink("/dev/full", `${blob(sha256(WEIGHTS))}.99999999-0.incomplete`);
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringContaining("no space left on the device"),
    });
    expect(await incomplete()).toEqual([]);
    expect((await lstat("/dev/full")).isCharacterDevice()).toBe(true);
  });

  it("say when the cache cannot be a folder", async () => {
    server.add("acme/tiny", MODEL);
    await writeFile(join(cache, "hub"), "a file");
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({ code: "ERR_FINETAG_IO" });
  });
});
