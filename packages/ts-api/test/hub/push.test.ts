import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { planPush, pullModel, pushModel } from "../../src/hub/index.ts";
import { HubServer } from "./hub-server.ts";

const WEIGHTS = randomBytes(250_000);
const LABELS = ["toxic", "a|b `c`\nd"];
const FILES: Record<string, string | Buffer> = {
  "config.json": JSON.stringify({ model_type: "bert", id2label: Object.fromEntries(LABELS.entries()) }),
  "model.safetensors": WEIGHTS,
  "tokenizer.json": "{}",
  "tokenizer_config.json": "{}",
  "finetag.json": JSON.stringify({
    version: 1,
    threshold: 0.5,
    thresholds: { toxic: 0.3 },
    maxLength: 64,
    columns: { text: "text", labels: { kind: "columns", names: LABELS } },
    arguments: {
      model: "bert-base-uncased",
      train: "/home/someone/secret/train.csv",
      outputDir: "out/run",
      epochs: 3,
      learningRate: 5e-5,
    },
    versions: { finetag: "9.9.9" },
  }),
  "metrics.json": JSON.stringify({
    train: { rows: 100, steps: 12, epochs: 0.96 },
    dev: { rows: 10, micro_f1: 0.1 },
    test: {
      rows: 20,
      micro_f1: 0.512345,
      macro_f1: null,
      per_label: { toxic: { precision: 1, recall: 0.5, f1: 2 / 3, roc_auc: null, support: 2 } },
      warnings: [],
    },
  }),
  "notes.txt": "mine",
};

let folder: string;
let directory: string;
let server: HubServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-push-"));
  directory = join(folder, "out");
  await mkdir(join(directory, "checkpoints", "step-1"), { recursive: true });
  await mkdir(join(directory, "runs"));
  await writeFile(join(directory, "checkpoints", "step-1", "model.safetensors"), WEIGHTS);
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(directory, name), content);
  server = await HubServer.start();
  server.writers.set("hf_acme", { owners: ["acme"] });
  vi.stubEnv("HF_ENDPOINT", server.url);
  vi.stubEnv("HF_HUB_CACHE", join(folder, "hub"));
  vi.stubEnv("HF_TOKEN_PATH", join(folder, "token"));
  vi.stubEnv("HF_TOKEN", "hf_acme");
  for (const name of ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HUGGING_FACE_HUB_TOKEN"])
    vi.stubEnv(name, "");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const repo = () => server.repos.get("acme/tiny")!;
const served = (path: string) => repo().files.get(path)?.data.toString();
const PUSHED = [
  "README.md",
  "config.json",
  "finetag.json",
  "metrics.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

describe("pushing", () => {
  it("makes a repository with the model, and no checkpoints or other files, in one commit", async () => {
    const { url, commit, files, leftOut, removed } = await pushModel(directory, "acme/tiny");
    expect(url).toBe(`${server.url}/acme/tiny`);
    expect(repo().log).toEqual([
      { branch: "main", title: "Upload a model with finetag", paths: expect.any(Array), removed: [] },
    ]);
    expect(repo().log![0]!.paths.sort()).toEqual(PUSHED);
    expect(commit).toBe(repo().commit);
    expect(files.map(({ path }) => path).sort()).toEqual(PUSHED);
    expect(leftOut).toEqual(["checkpoints/", "notes.txt", "runs/"]);
    expect(removed).toEqual([]);
    expect(repo().private).toBe(false);
    expect(repo().files.get("model.safetensors")).toEqual({ data: WEIGHTS, lfs: true });
    // The three parts of a large file, and the word that they are there.
    expect(server.seen.filter((s) => s.server === "storage").map((s) => s.method)).toHaveLength(4);
    expect(await readdir(directory)).not.toContain("README.md");
  });

  it("gives back what it got when pulled", async () => {
    await pushModel(directory, "acme/tiny");
    const pulled = await pullModel("acme/tiny");
    for (const name of ["config.json", "model.safetensors", "tokenizer.json"])
      expect(await readFile(join(pulled.directory, name))).toEqual(await readFile(join(directory, name)));
  });

  it("sends no large file twice, and takes away what an older model had", async () => {
    await pushModel(directory, "acme/tiny");
    await rm(join(directory, "tokenizer_config.json"));
    server.seen.length = 0;
    const { removed } = await pushModel(directory, "acme/tiny", { commitMessage: "Once more" });
    expect(removed).toEqual(["tokenizer_config.json"]);
    expect(repo().log!.at(-1)).toMatchObject({ title: "Once more", removed });
    expect(server.seen.filter((s) => s.server === "storage")).toEqual([]);
    expect(served("tokenizer_config.json")).toBeUndefined();
  });

  it("leaves weights of no usual name alone, there and here: they may be anything", async () => {
    await writeFile(join(directory, "last.ckpt"), "x");
    server.add("acme/tiny", { "best.pth": "x", "pytorch_model.bin": "x" });
    const { files, removed } = await pushModel(directory, "acme/tiny");
    expect(removed).toEqual(["pytorch_model.bin"]);
    expect(files.map(({ path }) => path)).not.toContain("last.ckpt");
    expect(served("best.pth")).toBe("x");
    await rm(join(directory, "model.safetensors"));
    await expect(pushModel(directory, "acme/tiny")).rejects.toThrow("the model is incomplete");
  });

  it("makes private repositories, and puts a branch next to main", async () => {
    await pushModel(directory, "acme/tiny", { private: true, revision: "v2" });
    expect(repo().private).toBe(true);
    expect(Object.keys(repo().revisions).sort()).toEqual(["main", "v2"]);
    expect(repo().log!.map(({ branch }) => branch)).toEqual(["v2"]);
    await pushModel(directory, "acme/tiny", { private: true, revision: "v2" });
    server.add("acme/public", {});
    await expect(pushModel(directory, "acme/public", { private: true })).rejects.toMatchObject({
      code: "ERR_FINETAG_ARGUMENT",
      message: expect.stringContaining("acme/public: exists and is public"),
    });
  });

  it("goes through a mirror below a path, with the token that a login left", async () => {
    const mirror = await HubServer.start("/hf");
    try {
      mirror.writers.set("hf_stored", { owners: ["acme"] });
      vi.stubEnv("HF_ENDPOINT", `${mirror.url}/`);
      vi.stubEnv("HF_TOKEN", "");
      await writeFile(join(folder, "token"), "hf_stored\n");
      await pushModel(directory, "acme/tiny");
      expect(mirror.repos.get("acme/tiny")!.log).toHaveLength(1);
      expect(server.seen).toEqual([]);
    } finally {
      await mirror.stop();
    }
  });

  it("tells what it does", async () => {
    const seen = new Set<string>();
    await pushModel(directory, "acme/tiny", {
      onProgress: ({ file, state, fraction }) => {
        expect(fraction).toBeGreaterThanOrEqual(0);
        expect(fraction).toBeLessThanOrEqual(1);
        seen.add(`${state} ${file}`);
      },
    });
    expect([...seen]).toEqual(
      expect.arrayContaining(["hashing model.safetensors", "uploading model.safetensors"]),
    );
  });
});

describe("the model card", () => {
  it("tells labels, metrics, training and use, and no path of this machine", async () => {
    await pushModel(directory, "acme/tiny", { license: "apache-2.0" });
    const card = served("README.md")!;
    const [, front] = /^---\n([\s\S]*?)\n---\n/.exec(card)!;
    expect(parse(front!)).toEqual({
      license: "apache-2.0",
      base_model: "google-bert/bert-base-uncased",
      library_name: "transformers",
      pipeline_tag: "text-classification",
      tags: ["finetag", "multi-label-classification"],
      metrics: ["f1"],
      "model-index": [
        {
          name: "tiny",
          results: [
            {
              task: { type: "text-classification", name: "Multi-label text classification" },
              dataset: { type: "custom", name: "its own test data", split: "test" },
              metrics: [{ type: "f1", name: "micro F1", value: 0.5123 }],
            },
          ],
        },
      ],
    });
    expect(card).toContain("`toxic`, `` a\\|b `c` d ``");
    expect(card).toContain("above 0.5, except for `toxic` 0.3.");
    expect(card).toContain("| micro F1 | 0.5123 |");
    expect(card).toContain("| `toxic` | 1.0000 | 0.5000 | 0.6667 | undefined | 2 |");
    expect(card).toContain("| learning rate | 0.00005 |");
    expect(card).toContain("| optimizer steps | 12 |\n| epochs | 0.96 |\n");
    expect(card).not.toContain("epochs | 3 ");
    expect(card).toContain("On the test data, 20 rows.");
    expect(card).toContain('npx finetag predict --model acme/tiny "a text"');
    expect(card).toContain("truncation=True, max_length=64");
    for (const path of ["README.md", "finetag.json"]) {
      expect(served(path)).not.toContain("someone");
      expect(served(path)).not.toContain(folder);
    }
    expect(JSON.parse(served("finetag.json")!)).toMatchObject({
      threshold: 0.5,
      arguments: { train: "train.csv", outputDir: "run", learningRate: 5e-5, model: "bert-base-uncased" },
    });
    expect(await readFile(join(directory, "finetag.json"), "utf8")).toBe(FILES["finetag.json"]);
  });

  it("is the directory's own README.md where there is one", async () => {
    await writeFile(join(directory, "README.md"), "# mine\n");
    const { card } = await pushModel(directory, "acme/tiny");
    expect(card).toBeUndefined();
    expect(served("README.md")).toBe("# mine\n");
    expect(await readFile(join(directory, "README.md"), "utf8")).toBe("# mine\n");
  });

  it("replaces one that finetag made or the Hub, and none that a person wrote", async () => {
    const add = (text: string) => server.add("acme/tiny", { "README.md": text });
    for (const made of [
      "---\nlicense: mit\n---\n",
      "text\n<!-- made by finetag push, which makes it anew; take this line away to keep changes -->\n",
    ]) {
      add(made);
      await pushModel(directory, "acme/tiny");
      expect(served("README.md")).toContain("## Labels");
    }
    add("---\nlicense: mit\n---\n# Written by hand\n");
    const { files } = await pushModel(directory, "acme/tiny");
    expect(files.map(({ path }) => path)).not.toContain("README.md");
    expect(served("README.md")).toContain("# Written by hand");
  });

  it("of a model without finetag.json and metrics.json says less", async () => {
    await rm(join(directory, "finetag.json"));
    await writeFile(join(directory, "metrics.json"), "[]");
    const { card } = await planPush(directory, "acme/tiny");
    expect(card).not.toMatch(/## (Metrics|Training)|base_model|undefined|NaN/);
    expect(card).toContain("A multi-label text classifier with 2 labels");
  });

  it("of an encoder without a head tells how to train one", async () => {
    await writeFile(join(directory, "config.json"), JSON.stringify({ model_type: "roberta" }));
    await rm(join(directory, "finetag.json"));
    await rm(join(directory, "metrics.json"));
    const { card } = await planPush(directory, "acme/tiny");
    expect(card).not.toMatch(/pipeline_tag|Labels|classifier/);
    expect(card).toContain("npx finetag train --model acme/tiny");
  });

  it("names the base model only where others can find it", async () => {
    const baseOf = async (model: unknown) => {
      const finetag = JSON.parse(String(FILES["finetag.json"]));
      finetag.arguments.model = model;
      await writeFile(join(directory, "finetag.json"), JSON.stringify(finetag));
      const { card } = await planPush(directory, "acme/tiny");
      return parse(/^---\n([\s\S]*?)\n---\n/.exec(card!)![1]!).base_model;
    };
    expect(await baseOf("/cache/hub/models--acme--base/snapshots/0123")).toBe("acme/base");
    expect(await baseOf("hfl/chinese-macbert-base")).toBe("hfl/chinese-macbert-base");
    expect(await baseOf("./out/run1")).toBeUndefined();
    expect(await baseOf("out/run1")).toBeUndefined();
    await mkdir(join(folder, "hub", "models--out--run1"), { recursive: true });
    expect(await baseOf("out/run1")).toBe("out/run1");
    expect(await baseOf(7)).toBeUndefined();
  });
});

describe("a push that fails", () => {
  const failing = (options = {}, target = "acme/tiny") =>
    pushModel(directory, target, options).then(
      () => expect.fail("it succeeded"),
      (error) => {
        expect(error.message).toMatch(/^[^\n]+$/);
        return error;
      },
    );

  it("for want of a right token says where one comes from", async () => {
    vi.stubEnv("HF_TOKEN", "");
    expect((await failing()).message).toContain(
      `create one at ${server.url}/settings/tokens and set HF_TOKEN`,
    );
    expect(server.seen).toEqual([]);
    vi.stubEnv("HF_TOKEN", "hf_unknown");
    expect(await failing()).toMatchObject({
      code: "ERR_FINETAG_UPLOAD",
      message: `acme/tiny: ${server.url} does not accept the token in HF_TOKEN (401); renew it`,
    });
    vi.stubEnv("HF_TOKEN", "hf_acme");
    expect((await failing({}, "other/tiny")).message).toContain(
      "the token in HF_TOKEN has no write access (403: not your namespace); use one with write access to other",
    );
    server.add("other/tiny", {});
    expect((await failing({}, "other/tiny")).message).toContain(
      "(403: You don't have the rights to write here)",
    );
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await failing()).message).toContain("offline mode allows no upload");
  });

  it("goes on after a broken connection, and does not send again what arrived", async () => {
    server.faults = [{ path: "00002", kind: "break-upload", times: 1 }];
    await pushModel(directory, "acme/tiny");
    expect(repo().files.get("model.safetensors")!.data).toEqual(WEIGHTS);
    await rm(join(directory, "finetag.json"));
    server.faults = [{ path: "commit", kind: "status", times: 1, status: 503 }];
    server.seen.length = 0;
    await pushModel(directory, "acme/tiny");
    expect(server.seen.filter((s) => s.server === "storage")).toEqual([]);
  }, 20_000);

  it("in the middle leaves the repository as it was", async () => {
    const { commit } = server.add("acme/tiny", { "README.md": "# old" });
    server.faults = [{ path: "00001", kind: "refuse-upload", times: 99, status: 403 }];
    expect(await failing()).toMatchObject({ code: "ERR_FINETAG_UPLOAD" });
    server.faults = [{ path: "commit", kind: "status", times: 99, status: 400, error: "Invalid\nmetadata" }];
    expect((await failing()).message).toContain(
      "refused it (the server answered 400 Bad Request: Invalid metadata); nothing was committed",
    );
    expect(repo().commit).toBe(commit);
    expect(served("README.md")).toBe("# old");
  });

  it.each([
    [409, "changed at the same time (409"],
    [507, "has no room for it"],
    [500, "refused it (the server answered 500"],
  ])("with the status %i says what to do", { timeout: 20_000 }, async (status, message) => {
    server.faults = [{ path: "commit", kind: "status", times: 99, status }];
    expect((await failing()).message).toContain(message);
  });

  it("for a list of files without an end says so, and asks once", async () => {
    server.faults = [{ path: "tree", kind: "endless-pages", times: Number.POSITIVE_INFINITY }];
    await expect(pushModel(directory, "acme/out")).rejects.toMatchObject({
      code: "ERR_FINETAG_UPLOAD",
      message:
        `acme/out: ${server.url} sends an endless answer about the repository (100 pages so far); ` +
        "nothing was committed",
    });
    expect(server.seen.filter(({ url }) => url.includes("/tree/"))).toHaveLength(100);
  });

  it("for a closed port names it", { timeout: 20_000 }, async () => {
    const { url } = server;
    await server.stop();
    expect((await failing()).message).toMatch(
      new RegExp(`^acme/tiny: cannot upload to ${url} \\(.*ECONNREFUSED`),
    );
    server = await HubServer.start();
  });

  it("at the signal commits nothing", async () => {
    const controller = new AbortController();
    const error = await failing({
      signal: controller.signal,
      onProgress: ({ state }: { state: string }) => state === "uploading" && controller.abort(),
    });
    expect(error.code).toBe("ERR_FINETAG_ABORTED");
    expect(repo().log).toBeUndefined();
  });

  it("for names and directories that cannot be right asks nobody", async () => {
    for (const target of ["tiny", "acme/tiny/more", "acme/..", "a b/c"])
      expect((await failing({}, target)).message).toContain("is not a repository; write OWNER/NAME");
    expect((await failing({ revision: "../x" })).message).toContain("is not a valid branch name");
    expect((await failing({ license: "Apache 2.0" })).message).toContain(
      "is not one of the Hub's names for licences",
    );
    await rm(join(directory, "model.safetensors"));
    expect(await failing()).toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(
        "model.safetensors is missing; give a directory that `finetag train` wrote",
      ),
    });
    expect(server.seen).toEqual([]);
  });
});
