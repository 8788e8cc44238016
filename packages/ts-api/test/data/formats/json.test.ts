import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";

const dir = temporaryDirectory();
const records = [
  { text: "how kind", labels: ["a", "b"] },
  { text: 'so "sad" {[', labels: [] },
];
const cells = records.map(({ text, labels }) => [text, labels]);
const indent = (value: unknown) => JSON.stringify(value, undefined, 1);
const byId = (values: unknown[]) => Object.fromEntries(values.map((value, i) => [String(i), value]));

describe("rows in JSON", () => {
  test.each([
    ["lines", records.map((r) => `${JSON.stringify(r)}\n`).join("\n"), "jsonl"],
    ["an array", JSON.stringify(records), "json"],
    ["an array over lines", `\n${indent(records)}\n`, "json"],
    ["objects over lines", records.map(indent).join("\n"), "json"],
    ["an object with rows", JSON.stringify({ version: "1", data: records }), "json"],
    ["an object with rows, over lines", indent({ info: { n: [1] }, rows: records, more: ["x"] }), "json"],
    [
      "pandas' columns",
      JSON.stringify({ text: byId(records.map((r) => r.text)), labels: byId(records.map((r) => r.labels)) }),
      "json",
    ],
    [
      "lists by column",
      JSON.stringify({ text: records.map((r) => r.text), labels: records.map((r) => r.labels) }),
      "json",
    ],
    ["pandas' split", JSON.stringify({ columns: ["text", "labels"], index: [0, 1], data: cells }), "json"],
    ["pandas' table", JSON.stringify({ schema: { fields: [{ name: "text" }] }, data: records }), "json"],
  ])("%s", async (_, content, format) => {
    for (const name of ["t.json", "t.jsonl", "t.csv", "t.txt"]) {
      const read = await readTable({ path: await dir.write(name, content) });
      expect(read.source.format).toBe(format);
      expect([read.columns, read.cells]).toEqual([["text", "labels"], cells]);
    }
  });

  test("objects by id keep it", async () => {
    for (const ids of [
      ["0", "1"],
      ["x7", "y9"],
    ]) {
      const content = indent(Object.fromEntries(records.map((record, i) => [ids[i], record])));
      const read = await readTable({ path: await dir.write("ids.json", content) });
      expect([read.columns, read.cells]).toEqual([
        ["id", "text", "labels"],
        cells.map((row, i) => [ids[i], ...row]),
      ]);
    }
  });

  test("rows are the lines where objects start", async () => {
    const read = await readTable({
      path: await dir.write("rows.json", '[\n {"text":\n  "a"},\n\n {"text": "b"}\n]'),
    });
    expect(read.rows).toEqual([2, 5]);
  });

  test("one row alone is a row, whatever is nested in it", async () => {
    const path = await dir.write(
      "one.jsonl",
      '{"text":"a","spans":[{"start":1}],"cats":{"x":true,"y":false}}\n',
    );
    expect((await readTable({ path })).cells).toEqual([["a", [{ start: 1 }], { x: true, y: false }]]);
  });

  test("NaN, as Python writes it, is null", async () => {
    const path = await dir.write(
      "nan.jsonl",
      '{"text":"NaN is \\"NaN\\"","a":NaN}\n{"text":"b","a":-Infinity}\n',
    );
    expect((await readTable({ path })).cells).toEqual([
      ['NaN is "NaN"', null],
      ["b", null],
    ]);
  });

  test("rows are the same wherever a chunk ends", async () => {
    const many = Array.from({ length: 4000 }, (_, i) => ({
      text: `${'\\"é{]'.repeat(i % 40)}${i}`,
      a: [i, { b: "}" }],
    }));
    for (const content of [indent({ x: { y: "[" }, data: many }), JSON.stringify(many)]) {
      const read = await readTable({ path: await dir.write("many.json", content) });
      expect(read.cells).toEqual(many.map(({ text, a }) => [text, a]));
    }
  });

  test.each([
    [
      "numbers.json",
      "[1, 2]",
      "DATA numbers.json:1: is a JSON array of no objects; write an array of objects",
    ],
    [
      "mixed.json",
      '[{"text":"a"},\n 5]',
      'DATA mixed.json:2: a value that begins with "5", not an object; each row is an object',
    ],
    ["bad.json", '[{"text":"a"},\n {"text" "b"}]', "DATA bad.json:2: invalid JSON: "],
    [
      "cut.json",
      '[{"text":"a"},\n {"text":"b"}',
      "DATA cut.json:2: the JSON ends here before its last bracket is closed",
    ],
    [
      "splits.json",
      '{"train":[{"text":"a"}],"test":[{"text":"b"}]}',
      'DATA splits.json:1: has rows under "train", "test"; save each as a file of its own (jq .train splits.json > train.json)',
    ],
    [
      "ragged.json",
      '{"text":["a","b"],"labels":[["x"]]}',
      'DATA ragged.json: the column "labels" has 1 values, "text" has 2; save it by rows',
    ],
  ])("error in %s", async (name, content, start) => {
    const message = dir.short(await errorOf(readTable({ path: await dir.write(name, content) })));
    expect(message.slice(0, start.length)).toBe(start);
  });

  test("a row without an end takes no more than 16 MiB", async () => {
    const path = await dir.write("long.json", `[{"text":"${"x".repeat(17 * 1024 * 1024)}`);
    expect(dir.short(await errorOf(readTable({ path })))).toBe(
      "DATA long.json:1: a row longer than 16 MiB; is a bracket or a quote never closed?",
    );
  });
});

describe("labelled lines", () => {
  test("fastText's, with labels before or after the text", async () => {
    const content = "__label__joy __label__love how kind\n__label__sad  so sad\n\nnice __label__joy\n";
    for (const name of ["t.txt", "t.csv", "t.train"]) {
      for (const labelled of [true, false]) {
        const read = await readTable({ path: await dir.write(name, content) }, { labelled });
        expect(read.source.format).toBe("fasttext");
        expect([read.columns, read.cells, read.rows]).toEqual([
          ["labels", "text"],
          [
            [["joy", "love"], "how kind"],
            [["sad"], "so sad"],
            [["joy"], "nice"],
          ],
          [1, 2, 4],
        ]);
      }
    }
  });

  test("LibMultiLabel's, with and without ids", async () => {
    const two = 'E11 GCRIM\tEuropean court of human rights\nE12\tA longer text, "quoted\n';
    const read = await readTable({ path: await dir.write("train.txt", two) });
    expect([read.source.format, read.cells]).toEqual([
      "libmultilabel",
      [
        [["E11", "GCRIM"], "European court of human rights"],
        [["E12"], 'A longer text, "quoted'],
      ],
    ]);
    const three = "2286\tE11 GCRIM\tEuropean court\n2287\t\tA longer text\n";
    const withIds = await readTable({ path: await dir.write("train.txt", three) });
    expect([withIds.columns, withIds.cells]).toEqual([
      ["id", "labels", "text"],
      [
        ["2286", ["E11", "GCRIM"], "European court"],
        ["2287", [], "A longer text"],
      ],
    ]);
    // To predict, a .txt file is one text a line, whatever is in it.
    expect((await readTable({ path: dir.path("train.txt") }, { labelled: false })).cells[0]).toEqual([
      "2286\tE11 GCRIM\tEuropean court",
    ]);
  });
});
