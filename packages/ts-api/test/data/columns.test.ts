import { describe, expect, test } from "vitest";
import { errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();

describe("columns", () => {
  test.each([
    ["id,text,a", { text: "text", id: "id" }],
    ["GUID,Comment_Text,a", { text: "Comment_Text", id: "GUID" }],
    ["sentence,a", { text: "sentence" }],
    ["content,text,a", { text: "text" }],
    ["内容,a", { text: "内容" }],
    ["a,comment_text,idx", { text: "comment_text", id: "idx" }],
  ])("usual names: %s", async (header, expected) => {
    const path = await dir.write(
      "usual.csv",
      `${header}\n${header.split(",").map((name) => (name === "a" ? 1 : "x"))}\n`,
    );
    const { file } = await read({ path }, { labels: ["a"] });
    expect(file.columns).toEqual({ ...expected, labels: { kind: "columns", names: ["a"] } });
  });

  test("a text pair", async () => {
    const path = await dir.write("pair.csv", "q,r,a\none,two,1\n");
    const { file, rows } = await read({ path, textColumn: "q", textPairColumn: "r" });
    expect(file.columns).toEqual({ text: "q", textPair: "r", labels: { kind: "columns", names: ["a"] } });
    expect(rows).toEqual([{ row: 2, text: "one", textPair: "two", labels: [0] }]);
  });

  test("a file without a header, one column or several", async () => {
    const several = await dir.write("several.csv", "1,0,x\n0,1,y\n");
    const { file, rows } = await read({ path: several, header: false, columns: ["a", "b", "text"] });
    expect(file.labels).toEqual(["a", "b"]);
    expect(rows.map(({ row, text, labels }) => [row, text, labels])).toEqual([
      [1, "x", [0]],
      [2, "y", [1]],
    ]);
    const one = await dir.write("one.tsv", "hello\n\nworld\n");
    const texts = await read(
      { path: one, header: false },
      { requireLabels: false, columns: { text: "body", labels: { kind: "none" } } },
    );
    expect(texts.file.columns).toEqual({ text: "body", labels: { kind: "none" } });
    expect(texts.rows.map((r) => r.text)).toEqual(["hello", "", "world"]);
  });

  test("a .txt file is one text a line", async () => {
    const path = await dir.write("texts.txt", 'one, "two"\t3\n\nfour\r\n');
    const { file, rows } = await read({ path }, { requireLabels: false });
    expect(rows.map(({ row, text }) => [row, text])).toEqual([
      [1, 'one, "two"\t3'],
      [2, ""],
      [3, "four"],
    ]);
    expect(file.emptyTexts).toBe(1);
    expect(dir.short(await errorOf(read({ path })))).toBe(
      "DATA texts.txt: a .txt file has one text per line and no labels; for a table, set `format` to csv or tsv",
    );
  });

  test("what the user names wins over the model's columns, and those over usual names", async () => {
    const path = await dir.write("over.csv", "text,body,summary,key,id,a\nt,b,s,k,i,1\n");
    const columns = { text: "body", id: "key", labels: { kind: "columns" as const, names: ["a"] } };
    expect((await read({ path }, { columns })).rows).toEqual([{ row: 2, id: "k", text: "b", labels: [0] }]);
    const { rows } = await read({ path, textColumn: "summary", idColumn: "id" }, { columns });
    expect(rows).toEqual([{ row: 2, id: "i", text: "s", labels: [0] }]);
  });

  const used = "id,text,other,a\n1,x,y,1\n";
  test.each([
    [
      "text as pair",
      used,
      { textColumn: "text", textPairColumn: "text" },
      'ARGUMENT column "text" is both the text and the text pair; use each once',
    ],
    [
      "text as label",
      used,
      { textColumn: "text", labelColumns: ["a", "text"] },
      'ARGUMENT column "text" is both the text and the label column; use each once',
    ],
    [
      "text as labels",
      used,
      { textColumn: "other", labelsColumn: "other" },
      'ARGUMENT column "other" is both the text and the labels column; use each once',
    ],
    [
      "id as text",
      used,
      { textColumn: "text", idColumn: "text" },
      'ARGUMENT column "text" is both the text and the id; use each once',
    ],
    [
      "label twice",
      used,
      { labelColumns: ["a", "a"] },
      'ARGUMENT column "a" is named twice as label column; use each once',
    ],
    [
      "no label column",
      used,
      { labelColumns: [] },
      "ARGUMENT `labelColumns` is empty; name at least one column",
    ],
    [
      "a typing mistake",
      used,
      { textColumn: "txet" },
      'DATA c.csv:1: no column "txet" for the text; did you mean "text"? the file has "id", "text", "other", "a"',
    ],
    [
      "a near miss",
      used,
      { textColumn: "Text" },
      'DATA c.csv:1: no column "Text" for the text; did you mean "text"? the file has "id", "text", "other", "a"',
    ],
    [
      "an id that isn't there",
      used,
      { idColumn: "key" },
      'DATA c.csv:1: no column "key" for the id; the file has "id", "text", "other", "a"',
    ],
    [
      "no text",
      "id,words,a\n1,x,1\n",
      {},
      'DATA c.csv:1: cannot tell which column holds the text; name it (for example `textColumn: "words"`); the file has "id", "words", "a"',
    ],
    [
      "the same name twice",
      "text,a,b,a\nx,1,0,1\n",
      {},
      'DATA c.csv:1: columns 2 and 4 are both called "a"; rename one',
    ],
    [
      "a short row",
      'text,a,b\n"x\ny",1,0\nz,1\n',
      {},
      "DATA c.csv:4: expected 3 fields, found 2; quote a field that holds a comma, a quote or a line break",
    ],
    [
      "a long row",
      "text,a\nz,1\nz,t,1\n",
      {},
      "DATA c.csv:3: expected 2 fields, found 3; quote a field that holds a comma, a quote or a line break",
    ],
    [
      "names twice by position",
      "x,1\n",
      { header: false, columns: ["a", "a"] },
      'ARGUMENT columns 1 and 2 are both called "a"; rename one',
    ],
  ])("%s", async (_, content, spec, message) => {
    const path = await dir.write("c.csv", content);
    expect(dir.short(await errorOf(read({ path, ...spec })))).toBe(message);
  });

  test("a header of 5,000 characters makes no long message", async () => {
    const path = await dir.write("header.csv", `${"x".repeat(5000)},y\n1,2\n`);
    expect((await errorOf(read({ path }))).length).toBeLessThan(500);
  });
});
