import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";

const dir = temporaryDirectory();
const fixture = (name: string) => resolve(import.meta.dirname, "fixtures", name);

// As fixtures/generate.py has them.
const columns = ["text", "labels", "cats", "joy", "big", "score", "day"];
const cats = { POS: true, NEG: false };
const cells = [
  ["how kind", ["joy", "love"], cats, 1, String(2n ** 60n), 0.5, "2020-01-01T00:00:00.000Z"],
  [" two\nlines\t", [], cats, 0, 1, 0.25, "2020-01-02T00:00:00.000Z"],
  ["内容 🙂", ["sad"], cats, 0, 2, 1, "2020-01-03T00:00:00.000Z"],
];

describe("files that pandas wrote", () => {
  test.each([
    ["snappy.parquet", "parquet"],
    ["gzip.parquet", "parquet"],
    ["zstd.parquet", "parquet"],
    ["brotli.parquet", "parquet"],
    ["lz4.parquet", "parquet"],
    ["lz4.feather", "arrow"],
    ["zstd.feather", "arrow"],
  ])("%s, whatever the name", async (name, format) => {
    for (const path of [fixture(name), await dir.write("t.csv", await readFile(fixture(name)))]) {
      const read = await readTable({ path });
      expect(read.source).toMatchObject({ container: "plain", format, encoding: undefined });
      expect([read.columns, read.cells, read.rows]).toEqual([columns, cells, [1, 2, 3]]);
    }
  });

  test("some columns only, and none", async () => {
    for (const name of ["zstd.parquet", "zstd.feather"]) {
      const { table } = await readTable({ path: fixture(name) });
      const rows: unknown[] = [];
      for await (const batch of table.records(["joy", "text"]))
        rows.push(...batch.map((record) => record.cells));
      expect(rows).toEqual(cells.map(([text, , , joy]) => [joy, text]));
      let count = 0;
      for await (const batch of table.records([])) count += batch.length;
      expect(count).toBe(3);
    }
  });

  test("row numbers that pandas saved have no name", async () => {
    const read = await readTable({ path: fixture("index.parquet") });
    expect(read.columns).toEqual([...columns, ""]);
    expect(read.cells.map((row) => row.at(-1))).toEqual([5, 9, 7]);
  });

  test("damaged and cut files are one line", async () => {
    for (const name of ["snappy.parquet", "zstd.parquet", "lz4.feather", "zstd.feather"]) {
      const bytes = await readFile(fixture(name));
      const outcomes = new Set<string>();
      for (let at = 8; at < bytes.length; at += 709) {
        const damaged = Buffer.from(bytes);
        damaged[at] = damaged[at]! ^ 0x5a;
        for (const content of [damaged, bytes.subarray(0, at)]) {
          const path = await dir.write("damaged.bin", content);
          // What is not noticed is read; nothing else than one line may come.
          outcomes.add(
            await errorOf(readTable({ path })).catch((e) =>
              /expected an error/.test(e.message) ? "read" : `raw ${e}`,
            ),
          );
        }
      }
      expect([...outcomes].filter((outcome) => outcome !== "read" && !outcome.startsWith("DATA"))).toEqual(
        [],
      );
      expect(outcomes.size).toBeGreaterThan(1);
    }
  });
});

describe("a dataset that Hugging Face datasets saved", () => {
  const names = {
    columns: ["text", "labels"],
    cells: [
      ["how kind", ["joy", "love"]],
      ["so sad", ["sad"]],
    ],
  };

  test("to disk: its files as one, with the names of its classes", async () => {
    const read = await readTable({ path: fixture("saved/train") });
    expect(read).toMatchObject(names);
    expect(read.source.files.length).toBe(2);
    expect(read.source.notes).toEqual(["2 files are read as one"]);
    expect(read.table.classNames?.get("labels")).toEqual(["sad", "joy", "love"]);
    expect(await readTable({ path: fixture("saved/validation") })).toMatchObject(names);
  });

  test("with several splits", async () => {
    const message = await errorOf(readTable({ path: fixture("saved") }));
    expect(message).toContain('is a saved dataset with the splits "train", "validation"; give one of them (');
    expect(message).toMatch(/saved\/train\), or the whole as `dataDir`$/);
  });

  test("to Parquet", async () => {
    const read = await readTable({ path: fixture("class-names.parquet") });
    expect(read).toMatchObject(names);
    expect(read.table.classNames?.get("labels")).toEqual(["sad", "joy", "love"]);
  });
});

describe("an Excel workbook", () => {
  test("the first sheet with rows, cells as in a CSV", async () => {
    for (const path of [
      fixture("book.xlsx"),
      await dir.write("b.csv", await readFile(fixture("book.xlsx"))),
    ]) {
      const read = await readTable({ path });
      expect([read.columns, read.cells, read.rows]).toEqual([
        ["text", "joy", "sad"],
        [
          [" how kind ", "1", "FALSE"],
          ["2012", "0", "TRUE"],
        ],
        [2, 4],
      ]);
      expect(read.source.notes).toEqual([
        'read from the sheet "data", not from "more"',
        "1 empty row is passed over",
      ]);
    }
  });

  test("a damaged one is one line", async () => {
    const bytes = await readFile(fixture("book.xlsx"));
    const path = await dir.write("cut.xlsx", bytes.subarray(0, 3000));
    expect(dir.short(await errorOf(readTable({ path })))).toMatch(
      /^DATA cut\.xlsx: is a zip archive or an Excel file that is damaged/,
    );
  });
});

test("a format that is given has to be that of the file", async () => {
  expect(await errorOf(readTable({ path: fixture("zstd.parquet"), format: "csv" }))).toMatch(
    /: is a file of format parquet; leave `format` out$/,
  );
  const path = await dir.write("plain.csv", "text,a\nx,1\n");
  expect(dir.short(await errorOf(readTable({ path, format: "parquet" })))).toBe(
    "DATA plain.csv: is no parquet file; leave `format` out",
  );
  const packed = await dir.write("p.gz", gzipSync(await readFile(fixture("zstd.parquet"))));
  expect(dir.short(await errorOf(readTable({ path: packed })))).toBe(
    "DATA p.gz: holds a file of format parquet inside gzip; decompress it first",
  );
});
