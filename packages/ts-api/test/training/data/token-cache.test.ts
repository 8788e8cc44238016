import { appendFile, cp, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type DataSpec, openData } from "../../../src/data/index.ts";
import { type ModelSource, readModelSource } from "../../../src/engine/index.ts";
import type { TrainOptions } from "../../../src/options/schema.ts";
import type { TrainEvent } from "../../../src/report/index.ts";
import { loadSplit } from "../../../src/training/data/load.ts";
import { fileSource } from "../../../src/training/data/sources.ts";
import { TokenCache } from "../../../src/training/data/token-cache.ts";
import { trainRun } from "../../../src/training/pipeline/run.ts";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../tiny.ts";

let folder: string;
let base: Omit<TrainOptions, "outputDir">;
let cache: string;
let runs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-tokens-"));
  const rows = [
    { text: " ", labels: [] },
    ...tinyRows(1500, 1),
    { text: "happy ".repeat(30).trim(), labels: ["joy"] },
  ];
  base = {
    model: await writeTinyModel(join(folder, "model")),
    train: await writeTinyCsv(join(folder, "train.csv"), rows),
    dev: await writeTinyCsv(join(folder, "dev.csv"), tinyRows(80, 2)),
    maxLength: 16,
    maxSteps: 2,
    batchSize: 16,
    threads: 1,
    tensorboard: false,
  };
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  cache = join(folder, `cache-${runs++}`);
  vi.stubEnv("FINETAG_CACHE", cache);
});
afterEach(() => vi.unstubAllEnvs());

const entries = async () => (await readdir(join(cache, "tokens"))).sort();

/** What a run tells, without what depends on time, and the bytes of its model. */
async function run(changes: Partial<TrainOptions> = {}) {
  const outputDir = join(folder, `out-${runs++}`);
  const events: TrainEvent[] = [];
  for await (const event of trainRun({ ...base, outputDir, ...changes })) events.push(event);
  const told = events.flatMap((event): object[] => {
    if (event.type === "loading") return event.done ? [event] : [];
    if (event.type === "start") {
      const { outputDir: _place, tokenCache: _kept, ...options } = event.options;
      return [{ ...event, outputDir: "", options }];
    }
    if (event.type === "warning") return [event];
    return event.type === "step" ? [{ type: event.type, step: event.step, loss: event.loss }] : [];
  });
  const loading = events.filter((event) => event.type === "loading" && !event.done).length;
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  return { told, loading, warnings, model: await readFile(join(outputDir, "model.safetensors")) };
}

describe("a run on files seen before", () => {
  it("tells and does what the first one did, without tokenizing", async () => {
    const first = await run();
    expect(first.loading).toBeGreaterThan(0);
    expect(first.warnings.join("\n")).toContain("texts are empty");
    const kept = await entries();
    expect(kept).toHaveLength(2);
    const second = await run();
    expect(second.loading).toBe(0);
    expect(second.told).toEqual(first.told);
    expect(second.model.equals(first.model)).toBe(true);
    expect(await entries()).toEqual(kept);
    const { mode } = await stat(join(cache, "tokens", kept[0]!));
    expect(mode & 0o777).toBe(0o600);
  });

  it("holds rows out as the first one did", async () => {
    const options = { dev: undefined, devSplit: 0.2 };
    expect((await run(options)).told).toEqual((await run(options)).told);
  });

  it("notices damage, says so, and mends it", async () => {
    const first = await run();
    for (const name of await entries()) {
      const path = join(cache, "tokens", name);
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(path, bytes);
    }
    const second = await run();
    const damaged = expect.stringMatching(
      /\.tokens: the cached tokens are damaged; tokenizing the file again$/,
    );
    expect(second.warnings.filter((message) => !first.warnings.includes(message))).toEqual([
      damaged,
      damaged,
    ]);
    expect(second.model.equals(first.model)).toBe(true);
    expect((await run()).told).toEqual(first.told);
  });

  it("keeps nothing without a token cache, and reads nothing", async () => {
    const without = await run({ tokenCache: false });
    await expect(entries()).rejects.toThrow("ENOENT");
    const first = await run();
    expect(first.told).toEqual(without.told);
    expect((await run({ tokenCache: false })).loading).toBe(first.loading);
  });

  it("goes on where the cache cannot be written, and says so", async () => {
    await writeFile(cache, "a file where the folder would be");
    const { warnings } = await run();
    expect(warnings.filter((message) => message.includes("cannot cache the tokens of"))).toHaveLength(2);
    expect(warnings.join("\n")).toMatch(
      /cannot cache the tokens of .*train\.csv: .*; use `tokenCache: false`/,
    );
  });

  it("resumes to the bits of a run never stopped, with tokens from the cache", async () => {
    const straight = await run({ maxSteps: 6 });
    const outputDir = join(folder, `out-${runs++}`);
    const stop = new AbortController();
    const options = { ...base, maxSteps: 6, outputDir };
    for await (const event of trainRun({ ...options, tokenCache: false }, { signal: stop.signal })) {
      if (event.type === "step" && event.step === 3) stop.abort();
    }
    for await (const event of trainRun({ ...options, resume: true })) {
      if (event.type === "start") expect(event.step).toBe(3);
      if (event.type === "loading") expect(event.done).toBe(true);
    }
    expect((await readFile(join(outputDir, "model.safetensors"))).equals(straight.model)).toBe(true);
  });
});

describe("an entry", () => {
  let source: ModelSource;
  beforeAll(async () => {
    source = await readModelSource(base.model);
  });

  const open = (changes: Partial<DataSpec> = {}, labels = LABELS) =>
    openData({ path: base.train!, ...changes }, { labels, requireLabels: true });

  async function place(
    file: Awaited<ReturnType<typeof open>>,
    { maxLength = 16, tokenizer = source.tokenizer } = {},
  ) {
    return (await new TokenCache().find(file, { tokenizer, maxLength, vocabSize: 23 })).path;
  }

  it("belongs to the bytes of a file and to all that decides its tokens", async () => {
    const own = await place(await open());
    const copy = join(folder, "copy.csv");
    await cp(base.train!, copy);
    await utimes(copy, 1, 1);
    expect(await place(await open({ path: copy }))).toBe(own);

    const cased = join(folder, "cased");
    await cp(base.model, cased, { recursive: true });
    await writeFile(join(cased, "tokenizer_config.json"), JSON.stringify({ do_lower_case: false }));
    await appendFile(copy, "9999,so glad,1,0,0\n");
    const others = [
      await place(await open({ path: copy })),
      await place(await open(), { maxLength: 17 }),
      await place(await open({}, [...LABELS].reverse())),
      await place(await open({ textColumn: "id" })),
      await place(await open(), { tokenizer: (await readModelSource(cased)).tokenizer }),
    ];
    expect(new Set([own, ...others]).size).toBe(6);
  });

  it("tells a first row that names the columns from one that does not", async () => {
    const path = join(folder, "plain.tsv");
    await writeFile(path, "text\tlabels\nso glad\tjoy\n");
    const names = ["text", "labels"];
    const [named, first] = [{ path }, { path, header: false, columns: names }];
    expect(await place(await open(named))).not.toBe(await place(await open(first, ["joy", "labels"])));
    const swapped = { path, header: false, columns: ["labels", "text"], labelsColumn: "labels" };
    const labels = ["text", "so glad"];
    const straight = { ...swapped, columns: names };
    expect(await place(await open(straight, labels))).not.toBe(await place(await open(swapped, labels)));
  });

  it("is not written when the file changed after it was looked for", async () => {
    const path = join(folder, "changing.csv");
    await writeTinyCsv(path, tinyRows(20, 5));
    const file = await open({ path });
    const options = { maxLength: 16, labelCount: 3, signal: undefined, cache: new TokenCache() };
    const rows = await fileSource(file);
    const changing = {
      ...rows,
      rows: async function* () {
        yield* rows.rows();
        await utimes(path, 1, 1);
      },
    };
    for await (const _ of loadSplit("train", changing, source, options));
    await expect(entries()).rejects.toThrow("ENOENT");
    for await (const _ of loadSplit("train", await fileSource(file), source, options));
    expect(await entries()).toHaveLength(1);
  });

  it("goes when the cache is full, the one not used for longest first", async () => {
    const paths = await Promise.all(
      [1, 2, 3].map((seed) => writeTinyCsv(join(folder, `full-${seed}.csv`), tinyRows(100, seed))),
    );
    const limit = 8000; // an entry has about 3,500 bytes
    const load = async (path: string) => {
      const cached = new TokenCache(join(cache, "tokens"), limit);
      const options = { maxLength: 16, labelCount: 3, signal: undefined, cache: cached };
      const events: TrainEvent[] = [];
      for await (const event of loadSplit("train", await fileSource(await open({ path })), source, options)) {
        events.push(event);
      }
      const names = await Promise.all((await entries()).map((name) => stat(join(cache, "tokens", name))));
      expect(names.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(limit);
      return events.some((event) => event.type === "loading" && !event.done) ? "made" : "kept";
    };
    const [first, second, third] = paths as [string, string, string];
    expect([await load(first), await load(second)]).toEqual(["made", "made"]);
    expect(await load(first)).toBe("kept");
    expect(await load(third)).toBe("made");
    expect([await load(first), await load(second)]).toEqual(["kept", "made"]);
  });
});
