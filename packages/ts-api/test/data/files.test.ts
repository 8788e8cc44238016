import { chmod, mkdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type DataFormat, findDataDirectory, openData, readLabelFile } from "../../src/data/index.ts";
import { collect, errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

describe("a file that is no table of texts", () => {
  test.each([
    ["empty.csv", "", "DATA empty.csv: is empty"],
    ["mark.csv", "\ufeff", "DATA mark.csv: is empty: all of its lines are blank"],
    ["blank.csv", "\n\n\n", "DATA blank.csv: is empty: all of its lines are blank"],
    [
      "header.csv",
      "text,a\n",
      'DATA header.csv: has a header but no rows; if it has no header, use `header: false` and name its columns in order, for example `columns: ["text", "labels", "id"]`',
    ],
    [
      "cut.csv",
      bytes("text,a\nblé,1\ncaf", [0xc3]),
      "DATA cut.csv:3: not valid UTF-8; the rest of the file is; correct the line, or remove the bad bytes (iconv -c -f UTF-8 -t UTF-8 cut.csv > fixed.csv)",
    ],
    [
      "surrogate.csv",
      bytes("text,a\n", [0xed, 0xa0, 0x80], ",1\n"),
      "DATA surrogate.csv:2: not valid UTF-8; the rest of the file is; correct the line, or remove the bad bytes (iconv -c -f UTF-8 -t UTF-8 surrogate.csv > fixed.csv)",
    ],
    [
      "nul.csv",
      "text,a\nok,1\nx\0y,1\n",
      "DATA nul.csv:3: a NUL byte; the file is binary or damaged, save it as text in UTF-8",
    ],
    [
      "excel.csv",
      bytes("PK", [3, 4], "x"),
      "DATA excel.csv: is a zip archive or an Excel file that is damaged (End of central directory record signature not found. Either not a zip file, or file is truncated.); copy or download it again",
    ],
    [
      "one-column.data",
      "text\nx\n",
      "DATA one-column.data: its extension .data says nothing, and neither does its content; set `format` to csv for a header and one column, or to txt for one text per line",
    ],
  ])("%s", async (name, content, message) => {
    const path = await dir.write(name, content);
    expect(dir.short(await errorOf(read({ path })))).toBe(message);
  });

  test("missing, with a suggestion; a directory; a device; an unknown format", async () => {
    await dir.write("training.csv", "text,a\nx,1\n");
    expect(dir.short(await errorOf(read({ path: dir.path("trainng.csv") })))).toBe(
      'DATA trainng.csv: no such file; did you mean "training.csv"?',
    );
    expect(dir.short(await errorOf(read({ path: dir.path("nowhere/x.csv") })))).toBe(
      "DATA nowhere/x.csv: no such file",
    );
    expect(dir.short(await errorOf(read({ path: dir.path("training.csv/x.csv") })))).toBe(
      "DATA training.csv/x.csv: no such file",
    );
    await mkdir(dir.path("folder"));
    expect(dir.short(await errorOf(read({ path: dir.path("folder") })))).toMatch(
      /^DATA folder: is a folder without a data file \(\.csv, /,
    );
    expect(await errorOf(read({ path: "/dev/null", format: "csv" }))).toBe(
      "DATA /dev/null: is not a regular file; save the data to a file first",
    );
    expect(await errorOf(read({ path: dir.path("training.csv"), format: "cssv" as DataFormat }))).toBe(
      'ARGUMENT unknown data format "cssv"; did you mean "csv"?',
    );
  });

  test.skipIf(process.getuid?.() === 0)(
    "unreadable (skipped for root, who may read everything)",
    async () => {
      const path = await dir.write("secret.csv", "text,a\nx,1\n");
      await chmod(path, 0);
      expect(dir.short(await errorOf(read({ path })))).toBe(
        "IO secret.csv: permission denied; make it readable",
      );
    },
  );

  test("bad bytes far into a file, at every place of a chunk's end", async () => {
    const line = `${"é文😀".repeat(10)},1\n`;
    for (let shift = 0; shift < 12; shift++) {
      const good = `text,a\n${"x".repeat(shift)},0\n${line.repeat(1500)}`;
      const path = await dir.write("far.csv", good);
      expect((await read({ path })).rows.length).toBe(1501);
      await dir.write("far.csv", bytes(good, "bad ", [0xff], ",1\n"));
      expect(dir.short(await errorOf(read({ path })))).toContain("far.csv:1503: not valid UTF-8; ");
    }
  });
});

test("an abort stops a pass, and the file is closed", async () => {
  const path = await dir.write("abort.csv", `text,a\n${"x,1\n".repeat(1000)}`);
  const file = await openData({ path }, { requireLabels: true });
  const controller = new AbortController();
  let rows = 0;
  const message = await errorOf(
    (async () => {
      for await (const _ of file.rows(controller.signal)) if (++rows === 10) controller.abort();
    })(),
  );
  expect(dir.short(message)).toBe("ABORTED abort.csv: stopped by the caller");
  expect(rows).toBe(10);
  expect(await errorOf(openData({ path }, { requireLabels: true, signal: AbortSignal.abort() }))).toMatch(
    /^ABORTED/,
  );
});

test.skipIf(process.platform !== "linux")("no pass leaves a file open, however it ends", async () => {
  const { readdir, readlink } = await import("node:fs/promises");
  const path = await dir.write("leak.csv", `text,a\n${"x,1\n".repeat(1000)}"open`);
  const file = await openData({ path, labelColumns: ["a"] }, { requireLabels: true });
  for (let i = 0; i < 20; i++) {
    for await (const _ of file.rows()) break;
    await errorOf(collect(file));
  }
  const open = await readdir("/proc/self/fd");
  const targets = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  expect(targets.filter((target) => target === path).length).toBe(0);
});

describe("a label file", () => {
  test.each([
    ["lines", "joy\nfear\nanger", ["joy", "fear", "anger"]],
    ["BOM, CRLF, blank lines, spaces", "\ufeffjoy\r\n\r\n fear \r\nanger\r\n\r\n", ["joy", "fear", "anger"]],
    ["one line with commas", 'joy,"fear, cold", anger\n', ["joy", "fear, cold", "anger"]],
    ["names with spaces and commas", 'very good\n"a, b"\na, c\n', ["very good", "a, b", "a, c"]],
    ["one label", "spam\n", ["spam"]],
    ["a JSON list", '["joy",\n "fear, cold"]\n', ["joy", "fear, cold"]],
    ["names with ids", '{"toxic": 1, "insult": 0}', ["insult", "toxic"]],
    ["ids with names", '{"0": "toxic", "1": "insult"}', ["toxic", "insult"]],
    ["a name in brackets", "[other]\njoy\n", ["[other]", "joy"]],
  ])("%s", async (_, content, expected) => {
    expect(await readLabelFile(await dir.write("labels.txt", content))).toEqual(expected);
  });

  test.each([
    ["", "DATA bad.txt: is empty"],
    ["\n \n", "DATA bad.txt: is empty; write one label name per line"],
    ["a\nb\n\na\n", 'DATA bad.txt:4: the label "a" is listed twice, first on line 1; list each name once'],
    ["a,b,a", 'DATA bad.txt:1: the label "a" is listed twice; list each name once'],
    ["a,b,", "DATA bad.txt:1: an empty label name; write one label name per line"],
    [
      '["a",1]',
      'DATA bad.txt: lists 1, which is not a name; write a list of names such as ["a", "b"], or an object such as {"a": 0, "b": 1}',
    ],
    ['["a","a"]', 'DATA bad.txt:1: the label "a" is listed twice; list each name once'],
    [
      '{"a":0,"b":2}',
      'DATA bad.txt: its ids are not 0 to 1, each once; write a list of names such as ["a", "b"], or an object such as {"a": 0, "b": 1}',
    ],
    ['a,"b', "DATA bad.txt:1: the quotes do not match; write one label name per line"],
  ])("error for %j", async (content, message) => {
    expect(dir.short(await errorOf(readLabelFile(await dir.write("bad.txt", content))))).toBe(message);
  });

  test("ten thousand names", async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `name ${i}`);
    expect(await readLabelFile(await dir.write("many.txt", names.join("\n")))).toEqual(names);
  });
});

describe("a data directory", () => {
  test("the old layout, and its siblings", async () => {
    await mkdir(dir.path("old"));
    for (const name of ["train.csv", "dev.csv", "test.csv", "classes.txt", "notes.md"])
      await dir.write(`old/${name}`, "x");
    expect(await findDataDirectory(dir.path("old"))).toEqual({
      train: dir.path("old/train.csv"),
      dev: dir.path("old/dev.csv"),
      test: dir.path("old/test.csv"),
      labels: dir.path("old/classes.txt"),
    });
    await mkdir(dir.path("new"));
    for (const name of ["train.tsv", "test.jsonl", "labels.txt"]) await dir.write(`new/${name}`, "x");
    expect(await findDataDirectory(dir.path("new"))).toEqual({
      train: dir.path("new/train.tsv"),
      test: dir.path("new/test.jsonl"),
      labels: dir.path("new/labels.txt"),
    });
  });

  test("errors", async () => {
    expect(dir.short(await errorOf(findDataDirectory(dir.path("nowhere"))))).toBe(
      "DATA nowhere: no such directory",
    );
    await dir.write("file", "x");
    expect(dir.short(await errorOf(findDataDirectory(dir.path("file"))))).toBe(
      "DATA file: is a file, not a data directory",
    );
    await mkdir(dir.path("bare"));
    expect(dir.short(await errorOf(findDataDirectory(dir.path("bare"))))).toBe(
      "DATA bare: has no train, dev or test file (.csv, .tsv, .jsonl, .parquet, …); give another folder",
    );
    await mkdir(dir.path("both"));
    for (const name of ["train.csv", "train.tsv"]) await dir.write(`both/${name}`, "x");
    expect(dir.short(await errorOf(findDataDirectory(dir.path("both"))))).toBe(
      'DATA both: has "train.csv", "train.tsv"; keep one of them, or name the file you mean',
    );
  });
});
