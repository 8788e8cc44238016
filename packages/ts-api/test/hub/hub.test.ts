import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scanCachedRepo } from "@huggingface/hub";
import { describe, expect, it, vi } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { readConfigFile } from "../../src/models/config-file.ts";
import { gitBlobId, HubServer, sha256 } from "./hub-server.ts";
import { blob, cache, incomplete, MODEL, NEEDED, repoFolder, server, useHub, WEIGHTS } from "./setup.ts";

useHub();

describe("the Hub", () => {
  it("brings the needed files and no others, into Hugging Face's cache layout", async () => {
    const { commit } = server.add("acme/tiny", MODEL);
    const pulled = await pullModel("acme/tiny");
    expect(pulled.directory).toBe(join(repoFolder(), "snapshots", commit));
    expect(pulled.files.sort()).toEqual(NEEDED);
    expect((await readdir(pulled.directory)).sort()).toEqual(NEEDED);
    expect(await readFile(join(pulled.directory, "model.safetensors"))).toEqual(WEIGHTS);
    expect(await readlink(join(pulled.directory, "model.safetensors"))).toBe(
      `../../blobs/${sha256(WEIGHTS)}`,
    );
    expect(await readlink(join(pulled.directory, "vocab.txt"))).toBe(
      `../../blobs/${gitBlobId(Buffer.from(MODEL["vocab.txt"]))}`,
    );
    expect(await readFile(join(repoFolder(), "refs", "main"), "utf8")).toBe(commit);
    expect(await incomplete()).toEqual([]);
    const scanned = await scanCachedRepo(repoFolder());
    expect(scanned.revisions.map((r) => [r.commitOid, r.refs, r.files.length])).toEqual([
      [commit, ["main"], NEEDED.length],
    ]);
  });

  it("does not fetch twice what is there", async () => {
    server.add("acme/tiny", MODEL);
    const { directory } = await pullModel("acme/tiny");
    server.seen.length = 0;
    expect(await resolveModel("acme/tiny")).toBe(directory);
    expect(server.seen).toEqual([]);
    const told: string[] = [];
    const again = await pullModel("acme/tiny", { onProgress: ({ file }) => told.push(file) });
    expect(again.directory).toBe(directory);
    expect(server.fetchedFiles()).toEqual([]);
    expect(told).toEqual([]);
  });

  it("takes a newer commit when pulled again, and shares unchanged files", async () => {
    server.add("acme/tiny", MODEL);
    const first = await pullModel("acme/tiny");
    server.add("acme/tiny", { ...MODEL, "config.json": '{"model_type":"bert","v":2}' });
    server.seen.length = 0;
    const second = await pullModel("acme/tiny");
    expect(second.directory).not.toBe(first.directory);
    expect(server.fetchedFiles()).toEqual(["config.json"]);
    expect(await resolveModel("acme/tiny")).toBe(second.directory);
  });

  it("uses a file that another program put into the cache", async () => {
    server.add("acme/tiny", MODEL);
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    await writeFile(blob(sha256(WEIGHTS)), WEIGHTS);
    await pullModel("acme/tiny");
    expect(server.fetchedFiles()).not.toContain("model.safetensors");
  });

  it("uses what Python's client left: links, locks, notes of absent files, an unfinished download", async () => {
    const { commit } = server.add("acme/tiny", MODEL);
    const snapshot = join(repoFolder(), "snapshots", commit);
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    await mkdir(join(repoFolder(), "refs"));
    await mkdir(snapshot, { recursive: true });
    await mkdir(join(repoFolder(), ".no_exist", commit), { recursive: true });
    await mkdir(join(cache, "hub", ".locks", "models--acme--tiny"), { recursive: true });
    await writeFile(join(repoFolder(), ".no_exist", commit, "added_tokens.json"), "");
    await writeFile(join(repoFolder(), "refs", "main"), commit);
    for (const name of ["config.json", "tokenizer.json"] as const) {
      const oid = gitBlobId(Buffer.from(MODEL[name]));
      await writeFile(blob(oid), MODEL[name]);
      await symlink(`../../blobs/${oid}`, join(snapshot, name));
    }
    await writeFile(`${blob(sha256(WEIGHTS))}.incomplete`, WEIGHTS.subarray(0, 1000));
    const { directory } = await pullModel("acme/tiny");
    expect(directory).toBe(snapshot);
    // tokenizer_config.json has the bytes of tokenizer.json, so it is there as well.
    expect(server.fetchedFiles().sort()).toEqual(["model.safetensors", "vocab.txt"]);
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(WEIGHTS);
  });

  it("takes a revision, and keeps its files apart", async () => {
    const repo = server.add("acme/tiny", MODEL);
    repo.revisions["v1.0"] = repo.commit;
    repo.revisions["refs/pr/3"] = repo.commit;
    for (const revision of ["v1.0", "refs/pr/3", repo.commit]) {
      expect((await pullModel("acme/tiny", { revision })).directory).toContain(repo.commit);
    }
    expect(await readFile(join(repoFolder(), "refs", "refs", "pr", "3"), "utf8")).toBe(repo.commit);
    await expect(pullModel("acme/tiny", { revision: "v9" })).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message: `acme/tiny: ${server.url} has no revision "v9" of it; leave \`revision\` out for "main"`,
    });
    await expect(pullModel("acme/tiny", { revision: "../x" })).rejects.toMatchObject({
      code: "ERR_FINETAG_ARGUMENT",
    });
  });

  it("takes sharded weights with their index", async () => {
    const index = JSON.stringify({
      weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" },
    });
    server.add("acme/tiny", {
      "config.json": "{}",
      "tokenizer.json": "{}",
      "model.safetensors.index.json": index,
      "model-00001-of-00002.safetensors": "one",
      "model-00002-of-00002.safetensors": "two",
    });
    const { directory, files } = await pullModel("acme/tiny");
    expect(files).toHaveLength(5);
    expect(await resolveModel("acme/tiny", { offline: true })).toBe(directory);
    await rm(join(directory, "model-00002-of-00002.safetensors"));
    await expect(resolveModel("acme/tiny", { offline: true })).rejects.toThrow("not in the cache");
  });

  const SIDE = { "config.json": "{}", "vocab.txt": "[PAD]" };
  const SHARDS = {
    "pytorch_model.bin.index.json": JSON.stringify({
      weight_map: { a: "pytorch_model-00001-of-00002.bin", b: "pytorch_model-00002-of-00002.bin" },
    }),
    "pytorch_model-00001-of-00002.bin": "one",
    "pytorch_model-00002-of-00002.bin": "two",
  };
  const PARTS = {
    "bert_model.ckpt.index": "index",
    "bert_model.ckpt.data-00000-of-00002": "one",
    "bert_model.ckpt.data-00001-of-00002": "two",
  };
  it.each<[string, Record<string, string>, Record<string, string>]>([
    [
      "PyTorch's weights where there are no safetensors",
      { "pytorch_model.bin": "x" },
      { ...SHARDS, ...PARTS },
    ],
    ["PyTorch's shards", SHARDS, { ...PARTS, "optimizer.bin": "x" }],
    [
      "shards by whatever name",
      {
        "pytorch_model.bin.index.json": JSON.stringify({
          weight_map: { a: "weights_00001-of-00002.bin", b: "weights_00002-of-00002.bin" },
        }),
        "weights_00001-of-00002.bin": "one",
        "weights_00002-of-00002.bin": "two",
      },
      {
        "weights_00001-of-00003.bin": "a set that is not whole",
        "optimizer-00001-of-00001.bin": "x",
        "openvino_model.bin": "x",
      },
    ],
    ["a training program's only file", { "best.pth": "x" }, { "optimizer.pt": "x", "model.bin": "x" }],
    ["a TensorFlow checkpoint, Google's first", PARTS, { "model.ckpt-9.index": "x", "tf_model.h5": "x" }],
    [
      "the latest TensorFlow checkpoint that is whole",
      { "model.ckpt-10.index": "x", "model.ckpt-10.data-00000-of-00001": "x" },
      {
        "model.ckpt-9.index": "x",
        "model.ckpt-9.data-00000-of-00001": "x",
        "model.ckpt-11.index": "x",
        "model.ckpt-11.data-00000-of-00002": "x",
        checkpoint: 'model_checkpoint_path: "model.ckpt-11"',
        "graph.pbtxt": "x",
      },
    ],
  ])("takes %s", async (_, wanted, others) => {
    server.add("acme/tiny", { ...others, ...SIDE, ...wanted });
    const { directory, files } = await pullModel("acme/tiny");
    expect(files.sort()).toEqual(Object.keys({ ...SIDE, ...wanted }).sort());
    expect((await readdir(directory)).sort()).toEqual(files);
    expect(await resolveModel("acme/tiny", { offline: true })).toBe(directory);
    for (const name of Object.keys(wanted)) {
      const link = await readlink(join(directory, name));
      await rm(join(directory, name));
      await expect(resolveModel("acme/tiny", { offline: true }), name).rejects.toThrow("not in the cache");
      await symlink(link, join(directory, name));
    }
  });

  it.each(["bert_config.json", "albert_config.json", "albert_config_tiny.json", "bert_config_rbt3.json"])(
    "takes a model as Google's code leaves it, with %s, and every kind of tokenizer",
    async (config) => {
      const names = ["30k-clean.model", "spiece.model", "sentencepiece.bpe.model"];
      const model = { ...PARTS, [config]: "{}", ...Object.fromEntries(names.map((name) => [name, "x"])) };
      const others = { "30k-clean.vocab": "x", "sentence_bert_config.json": "x", [`old/${config}`]: "x" };
      server.add("acme/tiny", { ...model, ...others });
      const { directory, files } = await pullModel("acme/tiny");
      expect(files.sort()).toEqual(Object.keys(model).sort());
      expect(await resolveModel("acme/tiny", { offline: true })).toBe(directory);
      expect((await readConfigFile(directory)).path).toBe(join(directory, config));
    },
  );

  it("says that a repository without a config is no model", async () => {
    server.add("acme/tiny", { "model.safetensors": "x", "sentence_bert_config.json": "{}" });
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message:
        "acme/tiny: the repository has no config.json and no bert_config.json, so it is not a model that finetag reads",
    });
  });

  it("says what a repository without such weights has instead", async () => {
    const { "model.safetensors": _, "pytorch_model.bin": __, ...rest } = MODEL;
    server.add("acme/tiny", { ...rest, "model.ckpt.index": "without its data" });
    await expect(pullModel("acme/tiny")).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(
        "only onnx/model.onnx, tf_model.h5, model.ckpt.index; choose a revision",
      ),
    });
  });

  it("reaches a mirror below a path, given with a slash at its end", async () => {
    const mirror = await HubServer.start("/hf");
    try {
      mirror.add("acme/tiny", MODEL);
      vi.stubEnv("HF_ENDPOINT", `${mirror.url}/`);
      const { files, source } = await pullModel("acme/tiny");
      expect(files).toHaveLength(NEEDED.length);
      expect(source).toBe(`${mirror.url}/acme/tiny (main)`);
      expect(server.seen).toEqual([]);
    } finally {
      await mirror.stop();
    }
  });

  it("puts everything below cacheDir when one is given", async () => {
    server.add("acme/tiny", MODEL);
    const cacheDir = join(cache, "own");
    expect((await pullModel("acme/tiny", { cacheDir })).directory.startsWith(join(cacheDir, "hub"))).toBe(
      true,
    );
    expect(await readdir(cache)).toEqual(["own"]);
  });

  it("tells its progress up to the last byte", async () => {
    server.add("acme/tiny", MODEL);
    const last = new Map<string, number>();
    await pullModel("acme/tiny", {
      onProgress: ({ file, receivedBytes, totalBytes }) => {
        expect(receivedBytes).toBeLessThanOrEqual(totalBytes!);
        expect(receivedBytes).toBeGreaterThanOrEqual(last.get(file) ?? 0);
        last.set(file, receivedBytes);
      },
    });
    expect(last.get("model.safetensors")).toBe(WEIGHTS.length);
  });
});

describe("offline", () => {
  it.each(["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])(
    "%s=1 takes what the cache holds and asks nobody",
    async (name) => {
      server.add("acme/tiny", MODEL);
      const { directory } = await pullModel("acme/tiny");
      server.seen.length = 0;
      vi.stubEnv(name, "1");
      expect(await pullModel("acme/tiny")).toMatchObject({ directory, source: "cache" });
      await expect(resolveModel("acme/other")).rejects.toMatchObject({
        code: "ERR_FINETAG_DOWNLOAD",
        message:
          "acme/other: there is no such folder (nor a folder acme); not in the cache, and offline mode allows no download; " +
          "run `finetag pull acme/other` with a network and without HF_HUB_OFFLINE",
      });
      await expect(resolveModel("roberta-bas", { revision: "v1" })).rejects.toThrow(
        '(or did you mean "roberta-base"?)',
      );
      expect(server.seen).toEqual([]);
    },
  );

  it("finds a catalogue model by either of its ids, as older programs stored it", async () => {
    const commit = "0123456789012345678901234567890123456789";
    for (const [folder, name] of [
      ["models--bert-base-chinese", "bert-base-chinese"],
      ["models--FacebookAI--roberta-base", "ROBERTA-base"],
    ] as const) {
      const snapshot = join(cache, "hub", folder, "snapshots", commit);
      await mkdir(snapshot, { recursive: true });
      await mkdir(join(cache, "hub", folder, "refs"));
      await writeFile(join(cache, "hub", folder, "refs", "main"), commit);
      for (const file of NEEDED) await writeFile(join(snapshot, file), "");
      expect(await resolveModel(name, { offline: true })).toBe(snapshot);
    }
  });

  it("lets a directory win", async () => {
    await mkdir(join(cache, "all-MiniLM-L6-v2"));
    expect(await resolveModel(join(cache, "all-MiniLM-L6-v2"), { offline: true })).toBe(
      join(cache, "all-MiniLM-L6-v2"),
    );
  });
});
