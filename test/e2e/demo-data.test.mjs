import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openData, readLabelFile } from "../../packages/ts-api/src/data/index.ts";
import { readModelConfig } from "../../packages/ts-api/src/models/index.ts";
import { loadTokenizer } from "../../packages/ts-api/src/tokenizer/index.ts";
import { openWeights } from "../../packages/ts-api/src/weights/index.ts";
import { descriptionText, readControlFile, splitTags } from "../../scripts/demo/control.mjs";
import { prepareDebtags, selectRows } from "../../scripts/demo/debtags.mjs";
import { csvLine, splitOf } from "../../scripts/demo/files.mjs";
import { makeRandomModel } from "../../scripts/demo/from-scratch.mjs";
import { prepareGoEmotions } from "../../scripts/demo/goemotions.mjs";
import { showPrediction } from "../../scripts/demo/show.mjs";

let root;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "finetag-demo-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

describe("descriptions", () => {
  it("become running text: folded lines, paragraphs, bullets", () => {
    expect(
      descriptionText(
        "video player\nmpv plays a wide\nvariety of formats.\n.\nChanges:\n * Better OSD\n - less code\n   deeper",
      ),
    ).toBe("video player. mpv plays a wide variety of formats. Changes: Better OSD less code deeper");
    expect(descriptionText("Only a synopsis")).toBe("Only a synopsis");
    expect(descriptionText("Really?\nYes.")).toBe("Really? Yes.");
  });

  it("are read from control files", async () => {
    const path = join(root, "Packages");
    await writeFile(
      path,
      "Package: a\nTag: x::y, z::{b,c},\n use::editing\nDescription: one\n\n\nPackage: b\n\n",
    );
    const paragraphs = [];
    for await (const fields of readControlFile(path)) paragraphs.push(Object.fromEntries(fields));
    expect(paragraphs).toEqual([
      { Package: "a", Tag: "x::y, z::{b,c},\nuse::editing", Description: "one" },
      { Package: "b" },
    ]);
    expect(splitTags(paragraphs[0].Tag)).toEqual(["x::y", "z::b", "z::c", "use::editing"]);
  });

  it("lose dropped facets and rare tags, and rows without any left", () => {
    const row = (id, ...tags) => ({ id, source: id, text: id, tags });
    const rows = selectRows(
      [
        row("b", "use::b", "role::program", "use::a", "use::a"),
        row("a", "use::a", "use::rare"),
        row("c", "role::program"),
        row("d", "use::rarer"),
        row("e", "use::b"),
      ],
      2,
    );
    expect(rows.map(({ id, tags }) => [id, tags])).toEqual([
      ["a", ["use::a"]],
      ["b", ["use::a", "use::b"]],
      ["e", ["use::b"]],
    ]);
  });

  it("are split by their source's name alone", () => {
    // Another hash would move packages between the splits, and figures could not be compared any more.
    expect(["bash", "emacs", "nano", "perl", "linux", "grep"].map(splitOf)).toEqual([
      "train",
      "train",
      "test",
      "test",
      "train",
      "test",
    ]);
    const shares = { train: 0, dev: 0, test: 0 };
    for (let i = 0; i < 10_000; i++) shares[splitOf(`source-${i}`)]++;
    expect(shares.train).toBeGreaterThan(7_800);
    expect(Math.min(shares.dev, shares.test)).toBeGreaterThan(900);
  });
});

const hasApt = (() => {
  try {
    execFileSync("apt-get", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
if (!hasApt) console.log("skipped: apt is not installed, so no package lists are read");

/** A package archive as folders, and an apt configuration that knows no other. */
async function publishArchive(packages) {
  const dist = join(root, "archive", "dists", "stable");
  const architecture = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
  const stanza = (fields) =>
    `${Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join("")}\n`;
  const digest = (text) => createHash("md5").update(`${text}\n`).digest("hex");
  const files = {
    [`main/binary-${architecture}/Packages`]: packages.map(({ id, source, description, tags }) =>
      stanza({
        Package: id,
        ...(source && { Source: `${source} (1.0)` }),
        Version: "1.0",
        Architecture: "all",
        Description: description.split("\n")[0],
        "Description-md5": digest(description),
        ...(tags && { Tag: tags.join(",\n ") }),
        Filename: `pool/${id}.deb`,
        Size: 1,
        SHA256: "0".repeat(64),
      }),
    ),
    "main/i18n/Translation-en": packages.map(({ id, description }) =>
      stanza({
        Package: id,
        "Description-md5": digest(description),
        "Description-en": description.replaceAll("\n", "\n "),
      }),
    ),
  };
  const sums = [];
  for (const [name, stanzas] of Object.entries(files)) {
    const text = stanzas.join("");
    await mkdir(join(dist, name, ".."), { recursive: true });
    await writeFile(join(dist, name), text);
    sums.push(` ${sha256(text)} ${Buffer.byteLength(text)} ${name}`);
  }
  const release = ["Origin: Test", "Suite: stable", "Codename: stable", `Architectures: ${architecture}`];
  release.push(
    "Components: main",
    `Date: ${new Date().toUTCString().replace("GMT", "UTC")}`,
    "SHA256:",
    ...sums,
    "",
  );
  await writeFile(join(dist, "Release"), release.join("\n"));

  await writeFile(
    join(root, "sources.list"),
    `deb [trusted=yes] file:${join(root, "archive")} stable main\n`,
  );
  await writeFile(
    join(root, "apt.conf"),
    `Dir::Etc::sourcelist "${join(root, "sources.list")}"; Dir::Etc::sourceparts "/dev/null";\n` +
      `APT::Update::Post-Invoke { "touch ${join(root, "hook-ran")}"; };\n`,
  );
  vi.stubEnv("APT_CONFIG", join(root, "apt.conf"));
  vi.stubEnv("FINETAG_CACHE", join(root, "cache"));
}

describe.runIf(hasApt)("debtags", () => {
  const packages = Array.from({ length: 60 }, (_, i) => ({
    id: `pkg${String(i).padStart(2, "0")}`,
    source: i % 3 === 0 ? undefined : `src${i % 7}`,
    description: `does thing ${i}\nIt is "said", that it\n * does it\n .\n well.`.replace(" .\n", ".\n"),
    tags:
      i < 50 ? ["role::program", i % 2 ? "use::odd" : "use::even", "suite::all", `rare::n${i}`] : undefined,
  }));

  it("come from apt by way of a state of its own, and finetag reads them", async () => {
    await publishArchive(packages);
    const folder = join(root, "data");
    const stamp = await prepareDebtags(folder, { minRows: 10, minTagged: 1 });
    expect(stamp).toMatchObject({ name: "debtags", labels: 3 });
    expect(stamp.rows.train + stamp.rows.dev + stamp.rows.test).toBe(50);
    expect((await readdir(folder)).sort()).toEqual(
      ["SOURCE.txt", "data.json", "dev.csv", "labels.txt", "test.csv", "train.csv"].sort(),
    );
    // Neither hooks of the system nor scratch files of ours.
    expect(await readdir(join(root, "cache"))).toEqual([]);
    expect(await readdir(root)).not.toContain("hook-ran");

    const labels = await readLabelFile(join(folder, "labels.txt"));
    expect(labels).toEqual(["suite::all", "use::even", "use::odd"]);
    const seen = new Map();
    for (const split of ["train", "dev", "test"]) {
      const file = await openData(
        { path: join(folder, `${split}.csv`), textColumn: "text", labelsColumn: "labels", idColumn: "id" },
        { labels, requireLabels: true },
      );
      for await (const row of file.rows()) {
        expect(split).toBe(splitOf(packages.find(({ id }) => id === row.id).source ?? row.id));
        seen.set(row.id, row);
      }
    }
    expect(seen.size).toBe(50);
    expect(seen.get("pkg04")).toMatchObject({
      text: 'does thing 4. It is "said", that it does it well.',
      labels: [0, 1],
    });
  });

  it("are not prepared again when they are there", async () => {
    await publishArchive(packages);
    const folder = join(root, "data");
    const first = await prepareDebtags(folder, { minRows: 10, minTagged: 1 });
    vi.stubEnv("PATH", join(root, "empty"));
    expect(await prepareDebtags(folder)).toEqual(first);
  });

  it("are not taken from an archive without tags, and leave nothing", async () => {
    await publishArchive(packages.slice(50));
    await expect(prepareDebtags(join(root, "data"))).rejects.toMatchObject({
      name: "SourceUnavailable",
      message: expect.stringContaining("have tags for only 0 packages"),
    });
    expect(await readdir(root)).not.toContain("data");
    expect(await readdir(join(root, "cache"))).toEqual([]);
  });

  it("say that no source can be reached", async () => {
    await publishArchive(packages);
    await rm(join(root, "archive"), { recursive: true });
    await expect(prepareDebtags(join(root, "data"))).rejects.toMatchObject({ name: "SourceUnavailable" });
  });
});

it("without apt is said", async () => {
  vi.stubEnv("FINETAG_CACHE", join(root, "cache"));
  vi.stubEnv("PATH", join(root, "empty"));
  await expect(prepareDebtags(join(root, "data"))).rejects.toThrow("apt is not installed");
});

describe("GoEmotions", () => {
  const served = {
    "train.tsv": 'so "happy\t1\tid1\nmeh\t0,1\tid2\n',
    "dev.tsv": "a\t0\tid3\n",
    "test.tsv": "b\t1\tid4\n",
    "emotions.txt": "neutral\njoy",
  };
  const pin = (text) => ({ sha256: sha256(text), bytes: Buffer.byteLength(text) });
  const files = {
    ...Object.fromEntries(["train.tsv", "dev.tsv", "test.tsv"].map((name) => [name, pin(served[name])])),
    "labels.txt": pin(served["emotions.txt"]),
  };
  let server;
  let base;
  let requests;
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.url);
      const text = served[request.url.slice(1)];
      response.writeHead(text === undefined ? 404 : 200);
      response.end(text);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${server.address().port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const mirror = () => ({ base, names: { "labels.txt": "emotions.txt" } });

  it("comes from the first mirror that answers, once", async () => {
    const folder = join(root, "data");
    const mirrors = [{ base: "http://127.0.0.1:9", names: {} }, mirror()];
    const stamp = await prepareGoEmotions(folder, { mirrors, files });
    expect(stamp).toMatchObject({ name: "goemotions", rows: { train: 2, dev: 1, test: 1 }, labels: 2 });
    expect(await readFile(join(folder, "train.tsv"), "utf8")).toBe(served["train.tsv"]);
    expect(requests).toHaveLength(4);
    expect(await prepareGoEmotions(folder, { mirrors: [], files })).toEqual(stamp);
  });

  it("with other bytes is an error and leaves nothing", async () => {
    const wrong = { ...files, "dev.tsv": { ...files["dev.tsv"], sha256: "0".repeat(64) } };
    await expect(
      prepareGoEmotions(join(root, "data"), { mirrors: [mirror()], files: wrong }),
    ).rejects.toMatchObject({
      name: "ChecksumError",
    });
    expect(await readdir(root)).toEqual([]);
  });

  it("out of reach is told from a wrong file", async () => {
    const mirrors = [{ base: "http://127.0.0.1:9", names: {} }];
    await expect(prepareGoEmotions(join(root, "data"), { mirrors, files })).rejects.toMatchObject({
      name: "SourceUnavailable",
      message: expect.stringContaining("127.0.0.1:9"),
    });
    expect(await readdir(root)).toEqual([]);
  });
});

it("a random model is made that finetag reads like a downloaded one", async () => {
  const path = join(root, "train.csv");
  await writeFile(path, csvLine(["id", "text"]) + csvLine(["1", "a puzzle game, with games\nand puzzles"]));
  const folder = join(root, "model");
  await makeRandomModel(folder, { path, textColumn: "text" });
  expect((await readdir(folder)).sort()).toEqual(
    ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"].sort(),
  );
  const config = await readModelConfig(folder);
  const tokenizer = await loadTokenizer(folder, config);
  const { ids, cuSeqlens } = await tokenizer.encode(["Puzzle games", "unseen ☃"], undefined, 16);
  expect([...cuSeqlens].at(-1)).toBe(ids.length);
  expect(tokenizer.vocabSize).toBe(config.json.vocab_size);
  const weights = await openWeights(folder);
  expect(weights.entries()).toHaveLength(5 + 2 * 16 + 2);
  const words = await weights.read("embeddings.word_embeddings.weight");
  const mean = words.reduce((sum, value) => sum + value, 0) / words.length;
  const variance = words.reduce((sum, value) => sum + (value - mean) ** 2, 0) / words.length;
  expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
  await weights.close();
});

it.each([
  [["--help"], 0, "npm run demo -- [--from-scratch]"],
  [["--form-scratch"], 2, "Unknown option '--form-scratch'; see npm run demo -- --help"],
  [["--data", "imdb"], 1, "--data imdb: no such data set; use debtags or goemotions"],
])("the demo with %j ends with %i and says so", (args, code, message) => {
  const demo = fileURLToPath(new URL("../../scripts/demo.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [demo, ...args], { encoding: "utf8" });
  expect(status).toBe(code);
  expect(stdout + stderr).toContain(message);
});

it("fields of a CSV are quoted where they must be", () => {
  expect(csvLine(["a", 'say "b"', "c,d", "e\nf", ""])).toBe('a,"say ""b""","c,d","e\nf",\n');
});

it("predictions are shown with the likeliest labels and the given ones marked", () => {
  const probabilities = { a: 0.9, b: 0.05, c: 0.5, d: 0.01 };
  expect(
    `\n${showPrediction({ text: "some text", labels: ["a"], probabilities }, 3)}`,
  ).toMatchInlineSnapshot(`
    "
      some text
        * a  ##################..  0.900
          c  ##########..........  0.500
          b  #...................  0.050"
  `);
});
