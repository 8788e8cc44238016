import { describe, expect, test } from "vitest";
import { readLines } from "../../src/data/formats/text/lines.ts";
import { errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();
const goemotions = { header: false, columns: ["text", "labels", "id"] };

describe("a TSV", () => {
  test("has no quoting: a bare quote is text", async () => {
    const path = await dir.write("bare.tsv", 'say "hi\t0,2\te1\n"open\t1\te2\n""\t\te3');
    const { file, rows } = await read({ path, ...goemotions }, { labels: ["joy", "anger", "fear"] });
    expect(file.columns).toEqual({
      text: "text",
      id: "id",
      labels: { kind: "delimited", column: "labels", separator: ",", values: "ids" },
    });
    expect(rows).toEqual([
      { row: 1, id: "e1", text: 'say "hi', labels: [0, 2] },
      { row: 2, id: "e2", text: '"open', labels: [1] },
      { row: 3, id: "e3", text: '""', labels: [] },
    ]);
  });

  test("CRLF, a lone CR inside a text, blank lines", async () => {
    const path = await dir.write("crlf.tsv", "text\tlabels\r\na\rb\tx\r\n\r\nc\ty,x\r\n");
    const { file, rows } = await read({ path });
    expect(file.labels).toEqual(["x", "y"]);
    expect(rows).toEqual([
      { row: 2, text: "a\rb", labels: [0] },
      { row: 4, text: "c", labels: [0, 1] },
    ]);
  });

  test("a header repeated by the given names is a header", async () => {
    const path = await dir.write("repeat.tsv", "text\tlabels\nx\ta\n");
    const { rows } = await read({ path, columns: ["text", "labels"] });
    expect(rows).toEqual([{ row: 2, text: "x", labels: [0] }]);
  });

  test("lines are the same wherever a chunk ends", async () => {
    const content = Buffer.from("one\r\n\r\ntwo\rx\n\nthree é文😀");
    for (const size of [1, 2, 3, 7, 100]) {
      const lines = [];
      const chunks = (async function* () {
        for (let i = 0; i < content.length; i += size) yield content.subarray(i, i + size);
      })();
      for await (const batch of readLines("x", chunks)) lines.push(...batch);
      expect(lines).toEqual([
        { row: 1, text: "one" },
        { row: 2, text: "" },
        { row: 3, text: "two\rx" },
        { row: 4, text: "" },
        { row: 5, text: "three é文😀" },
      ]);
    }
  });

  test.each([
    [
      "few.tsv",
      "a\t0\te1\nb\t1\n",
      "DATA few.tsv:2: expected 3 fields, found 2; remove tabs from the texts, or correct the columns",
    ],
    [
      "many.tsv",
      "a\t0\te1\nb\tc\t1\te2\n",
      "DATA many.tsv:2: expected 3 fields, found 4; remove tabs from the texts, or correct the columns",
    ],
    [
      "first.tsv",
      "a\t0\n",
      'DATA first.tsv:1: expected 3 fields ("text", "labels", "id"), found 2; name every column in order',
    ],
    [
      "id.tsv",
      "a\t0\te1\nb\t3\te2\n",
      'DATA id.tsv:2: label id 3 is out of range in column "labels"; the ids of the 3 labels are 0 to 2',
    ],
    [
      "float.tsv",
      "a\t0\te1\nb\t1.5\te2\n",
      'DATA float.tsv:2: "1.5" is not a label id in column "labels"; the ids of the 3 labels are 0 to 2',
    ],
    [
      "flags.tsv",
      "a\t0,1,0\te1\nb\t2\te2\n",
      'DATA flags.tsv:1: label id 0 is listed twice in column "labels"; list the ids that apply, or use `labelValues: "flags"` for a 0 or 1 for each label in every row',
    ],
  ])("error in %s", async (name, content, message) => {
    const path = await dir.write(name, content);
    expect(
      dir.short(await errorOf(read({ path, ...goemotions }, { labels: ["joy", "anger", "fear"] }))),
    ).toBe(message);
  });

  test("a file whose header was forgotten", async () => {
    const path = await dir.write("forgot.tsv", "I like it\t27\teebbqej\nno\t3\te2\n");
    expect(dir.short(await errorOf(read({ path })))).toBe(
      'DATA forgot.tsv:1: cannot tell which column holds the text; name it (for example `textColumn: "I like it"`); the file has "I like it", "27", ' +
        '"eebbqej"; if the file has no header, use `header: false` and name its columns in order, for example `columns: ["text", "labels", "id"]`',
    );
    expect(dir.short(await errorOf(read({ path, columns: ["text", "labels", "id"] })))).toBe(
      'DATA forgot.tsv:1: the header has "I like it", "27", "eebbqej", but `columns` has "text", "labels", "id"; ' +
        "if the file has no header, use `header: false`",
    );
    expect(dir.short(await errorOf(read({ path, header: false })))).toBe(
      'DATA forgot.tsv:1: has 3 columns and no header; name them in order, for example `columns: ["text", "labels", "id"]`',
    );
  });
});

describe("a JSONL file", () => {
  test("labels as lists of names, with ids that are numbers", async () => {
    const path = await dir.write(
      "names.jsonl",
      '\n{"id":7,"text":"a\\nb","labels":["y","x"]}\n\n{"labels":[],"text":" "}\n{"text":"c","labels":["z"],"id":"k"}',
    );
    const { file, rows } = await read({ path });
    expect(file.columns).toEqual({
      text: "text",
      id: "id",
      labels: { kind: "json", column: "labels", values: "names" },
    });
    expect(file.labels).toEqual(["x", "y", "z"]);
    expect(rows).toEqual([
      { row: 2, id: "7", text: "a\nb", labels: [0, 1] },
      { row: 4, id: undefined, text: " ", labels: [] },
      { row: 5, id: "k", text: "c", labels: [2] },
    ]);
    expect(file.emptyTexts).toBe(1);
  });

  test("labels as ids, as 0/1 fields, as a delimited string, as one number", async () => {
    const ids = await dir.write("ids.ndjson", '{"text":"a","labels":[2,0]}\n{"text":"b","labels":[]}\n');
    expect((await read({ path: ids }, { labels: ["x", "y", "z"] })).rows.map((r) => r.labels)).toEqual([
      [0, 2],
      [],
    ]);

    const flags = await dir.write(
      "flags.json",
      '{"text":"a","x":1,"y":false}\n{"y":true,"text":"b","x":"0"}\n',
    );
    const read2 = await read({ path: flags });
    expect(read2.file.labels).toEqual(["x", "y"]);
    expect(read2.rows.map((r) => r.labels)).toEqual([[0], [1]]);

    const text = await dir.write("text.jsonl", '{"text":"a","tags":"x| y"}\n{"text":"b","tags":""}\n');
    expect((await read({ path: text, labelSeparator: "|" })).rows.map((r) => r.labels)).toEqual([[0, 1], []]);

    const one = await dir.write("one.jsonl", '{"text":"a","label":1}\n{"text":"b","label":0}\n');
    expect((await read({ path: one }, { labels: ["no", "yes"] })).rows.map((r) => r.labels)).toEqual([
      [1],
      [0],
    ]);
  });

  test("fields that objects inherit are not columns", async () => {
    const path = await dir.write(
      "proto.jsonl",
      '{"text":"a","constructor":1,"toString":0}\n{"text":"b","constructor":0,"toString":1}\n',
    );
    expect((await read({ path })).rows.map((r) => r.labels)).toEqual([[0], [1]]);
    const bad = await dir.write("proto2.jsonl", '{"text":"a","labels":["x"]}\n{"text":"b"}\n');
    expect(dir.short(await errorOf(read({ path: bad })))).toBe(
      'DATA proto2.jsonl:2: no field "labels" here; use `missing: "mask"` to leave unknown labels out of training and metrics, or `missing: "negative"` to read them as 0',
    );
  });

  test.each([
    ["broken.jsonl", '{"text":"a","x":1}\n{"text":"b"', /^DATA broken\.jsonl:2: invalid JSON: .+/],
    [
      "string.jsonl",
      '{"text":"a","x":1}\n"b"\n',
      /^DATA string\.jsonl:2: "\\"b\\"" is not a JSON object; write one object per line$/,
    ],
    [
      "number.jsonl",
      '{"text":"a","x":1}\n{"text":5,"x":1}',
      /^DATA number\.jsonl:2: field "text" holds 5, not a string$/,
    ],
    [
      "null.jsonl",
      '{"text":"a","x":1}\n{"text":null,"x":1}',
      /^DATA null\.jsonl:2: field "text" holds null, not a string$/,
    ],
    [
      "missing.jsonl",
      '{"text":"a","x":1}\n{"x":1}',
      /^DATA missing\.jsonl:2: no field "text"; each row needs a text$/,
    ],
    [
      "half.jsonl",
      '{"text":"\\ud83d","x":1}',
      /^DATA half\.jsonl:1: field "text" holds ".+", half of a surrogate pair; remove it$/,
    ],
    [
      "id.jsonl",
      '{"text":"a","x":1,"id":1e300}',
      /^DATA id\.jsonl:1: field "id" holds 1e\+300; write the id as a string$/,
    ],
    [
      "sparse.jsonl",
      '{"text":"a","x":1}\n{"text":"b","x":0,"y":1}',
      /^DATA sparse\.jsonl:1: no field "y" here; use `missing: "mask"` to leave/,
    ],
    [
      "object.jsonl",
      '{"text":"a","labels":["x"]}\n{"text":"b","labels":{"x":1}}',
      /^DATA object\.jsonl:2: field "labels" holds \{.+\}, an object, and no objects in other rows; write a list of labels in every row/,
    ],
    [
      "nested.jsonl",
      '{"text":"a","labels":["x",["y"]]}',
      /^DATA nested\.jsonl:1: field "labels" lists \[\\"y\\"\], neither a label's name nor its id$/,
    ],
    [
      "hot.jsonl",
      '{"text":"a","labels":[0,1,0,0]}\n{"text":"b","labels":[0,1]}',
      /^DATA hot\.jsonl:1: label id 0 is listed twice in field "labels"; list the ids/,
    ],
    ["empty.jsonl", "\n \n", /^DATA empty\.jsonl: is empty/],
    ["bare.jsonl", "{}\n", /^DATA bare\.jsonl: is empty: it has no JSON object with a field$/],
  ])("error in %s", async (name, content, message) => {
    const path = await dir.write(name, content);
    expect(dir.short(await errorOf(read({ path })))).toMatch(message);
  });

  test("columns by position make no sense", async () => {
    const path = await dir.write("position.jsonl", '{"text":"a"}\n');
    expect(await errorOf(read({ path, header: false }))).toMatch(
      /^ARGUMENT .+ each JSON line names its columns itself/,
    );
  });
});
