import { randomBytes } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanCachedRepo } from "@huggingface/hub";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pullModel, resolveModel } from "../../src/hub/index.ts";
import { gitBlobId, HubServer, sha256 } from "./hub-server.ts";

const WEIGHTS = randomBytes(300_000);
const MODEL = {
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
const NEEDED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"];

let cache: string;
let server: HubServer;

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

const repoFolder = () => join(cache, "hub", "models--acme--tiny");
const blob = (name: string) => join(repoFolder(), "blobs", name);
const incomplete = async () =>
  (await readdir(join(repoFolder(), "blobs"))).filter((name) => name.includes("incomplete"));

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
    expect((await pullModel("acme/tiny")).directory).toBe(directory);
    expect(server.fetchedFiles()).toEqual([]);
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
      message: `acme/tiny: ${server.url} has no revision "v9" of it; leave --revision out for "main"`,
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

  it("takes a model as Google published it, and every kind of tokenizer", async () => {
    const names = ["albert_config.json", "30k-clean.model", "spiece.model", "sentencepiece.bpe.model"];
    const model = { ...PARTS, ...Object.fromEntries(names.map((name) => [name, "x"])) };
    server.add("acme/tiny", { ...model, "30k-clean.vocab": "x" });
    expect((await pullModel("acme/tiny")).files.sort()).toEqual(Object.keys(model).sort());
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
        message: expect.stringContaining(`${path} came with a wrong checksum`),
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

describe("refusals", () => {
  it("name the model that was probably meant", async () => {
    await expect(pullModel("google-bert/bert-base-uncasd")).rejects.toMatchObject({
      code: "ERR_FINETAG_DOWNLOAD",
      message:
        `google-bert/bert-base-uncasd: ${server.url} knows no such public model (401); ` +
        'did you mean "bert-base-uncased"?, or set HF_TOKEN for a private one',
    });
    vi.stubEnv("HF_TOKEN", "hf_mine");
    await expect(pullModel("acme/no-such-thing-at-all")).rejects.toMatchObject({
      message: `acme/no-such-thing-at-all: ${server.url} knows no such model; check the spelling`,
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
    await expect(pullModel("acme/tiny")).rejects.toThrow('HF_ENDPOINT: "mirror.example" is no URL');
    expect(server.seen).toEqual([]);
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
    server = await HubServer.start();
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
          "acme/other: not in the cache, and offline mode allows no download; " +
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
