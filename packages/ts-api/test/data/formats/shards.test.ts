import { mkdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { findDataDirectory } from "../../../src/data/index.ts";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";

const dir = temporaryDirectory();

async function folder(name: string, files: Record<string, string>): Promise<string> {
  await mkdir(dir.path(name), { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    if (file.includes("/")) await mkdir(dir.path(`${name}/${file.split("/")[0]}`), { recursive: true });
    await dir.write(`${name}/${file}`, content);
  }
  return dir.path(name);
}

describe("files that are read as one", () => {
  test("a folder and a pattern, by their numbers; columns by name", async () => {
    const path = await folder("parts", {
      "part-10.csv": "text,a\nthird,1\n",
      "part-9.csv": "text,a\nfirst,1\nsecond,0\n",
      "README.md": "x",
      _SUCCESS: "",
    });
    await dir.write("parts/part-11.csv", "a,text\n0,fourth\n");
    for (const given of [path, `${path}/part-*.csv`, `${path}/*`.replace("/*", "/part-?*.csv")]) {
      const read = await readTable({ path: given });
      expect(read.cells.map(([text]) => text)).toEqual(["first", "second", "third", "fourth"]);
      expect(read.paths.map((p) => dir.short(p!))).toEqual(
        ["9", "9", "10", "11"].map((n) => `parts/part-${n}.csv`),
      );
      expect(read.rows).toEqual([2, 3, 2, 2]);
      expect(read.source.files.length).toBe(3);
      expect(read.source.notes[0]).toBe("3 files are read as one");
    }
  });

  test("an error names the file", async () => {
    const path = await folder("wrong", { "1.csv": "text,a\nx,1\n", "2.csv": "text,a\ny,1\nz,1,1\n" });
    expect(dir.short(await errorOf(readTable({ path })))).toMatch(
      /^DATA wrong\/2\.csv:3: expected 2 fields, found 3/,
    );
    const other = await folder("other", { "1.csv": "text,a\nx,1\n", "2.csv": "text,b\ny,1\n" });
    expect(dir.short(await errorOf(readTable({ path: other })))).toBe(
      'DATA other/2.csv:1: has no column "a", which other/1.csv has; files that are read as one have the same columns',
    );
  });

  test.each([
    [
      "kinds",
      { "1.csv": "text\nx\n", "1.tsv": "text\nx\n" },
      "is a folder with files of several kinds (.csv, .tsv); give one of its files, or a pattern such as kinds/*.csv",
    ],
    [
      "splits",
      { "train.csv": "text\nx\n", "val.csv": "text\nx\n" },
      'is a folder with "train.csv", "val.csv"; give one of these files (training takes the folder as a whole, as `dataDir`)',
    ],
    [
      "none",
      { "notes.md": "x" },
      "is a folder without a data file (.csv, .tsv, .jsonl, .ndjson, .json, .parquet, .xlsx, .arrow, .feather, .txt)",
    ],
  ])("error for a folder: %s", async (name, files, what) => {
    expect(dir.short(await errorOf(readTable({ path: await folder(name, files) })))).toBe(
      `DATA ${name}: ${what}`,
    );
  });

  test("a pattern without a match, and one of several shards alone", async () => {
    const path = await folder("shards", {
      "train-00000-of-00002.jsonl": '{"text":"a"}\n',
      "train-00001-of-00002.jsonl": '{"text":"b"}\n',
    });
    expect(dir.short(await errorOf(readTable({ path: `${path}/*.csv` })))).toBe(
      "DATA shards/*.csv: no file matches this pattern",
    );
    const one = await readTable({ path: `${path}/train-00000-of-00002.jsonl` });
    expect(one.source.notes.map(dir.short)).toEqual([
      "one of 2 files; all of them are shards/train-*-of-00002.jsonl",
    ]);
    const all = await readTable({ path: `${path}/train-*-of-00002.jsonl` });
    expect(all.cells).toEqual([["a"], ["b"]]);
  });
});

describe("a data folder", () => {
  test.each([
    [
      { "train.csv": "x", "val.csv": "x", "labels.csv": "x" },
      { train: "train.csv", dev: "val.csv" },
    ],
    [
      { "train.parquet": "x", "validation.parquet": "x", "test.parquet": "x" },
      { train: "train.parquet", dev: "validation.parquet", test: "test.parquet" },
    ],
    [
      { "train.csv.gz": "x", "valid.jsonl.zst": "x", "labels.json": "[]" },
      { train: "train.csv.gz", dev: "valid.jsonl.zst", labels: "labels.json" },
    ],
    [
      { "train.txt": "x", "test.txt": "x" },
      { train: "train.txt", test: "test.txt" },
    ],
    [{ "train.csv": "x", "train.txt": "notes" }, { train: "train.csv" }],
    [
      {
        "train-00000-of-00002.parquet": "x",
        "train-00001-of-00002.parquet": "x",
        "test-00000-of-00001.parquet": "x",
      },
      { train: "train-*-of-00002.parquet", test: "test-*-of-00001.parquet" },
    ],
    [
      { "data/train-00000-of-00001.parquet": "x", "README.md": "x" },
      { train: "data/train-*-of-00001.parquet" },
    ],
    [
      { "train/state.json": "{}", "validation/state.json": "{}", "dataset_dict.json": "{}" },
      { train: "train", dev: "validation" },
    ],
    [{ "train.csv": "x", "train/notes": "x" }, { train: "train.csv" }],
  ])("%j", async (files, expected) => {
    const name = `folder-${Math.abs(JSON.stringify(files).length)}-${Object.keys(files)[0]!.replace(/\W/g, "")}`;
    const path = await folder(name, files as Record<string, string>);
    const found = Object.entries(await findDataDirectory(path)).filter(([, file]) => file !== undefined);
    expect(Object.fromEntries(found.map(([key, file]) => [key, file!.slice(path.length + 1)]))).toEqual(
      expected,
    );
  });

  test.each([
    [["dev.csv", "val.csv", "train.csv"], '"dev.csv", "val.csv"'],
    [["train.csv", "train.csv.gz"], '"train.csv", "train.csv.gz"'],
    [["train.csv", "labels.json", "classes.txt"], '"classes.txt", "labels.json"'],
  ])("two for one purpose are named: %j", async (files, names) => {
    const path = await folder(`two-${names.length}`, Object.fromEntries(files.map((file) => [file, "x"])));
    expect(dir.short(await errorOf(findDataDirectory(path)))).toBe(
      `DATA two-${names.length}: has ${names}; keep one of them, or name the file you mean`,
    );
  });
});
