import { describe, expect, test } from "vitest";
import { openData } from "../../src/data/index.ts";
import { collect, errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();

describe("0/1 columns", () => {
  test("a given order wins over the order in the file; columns are found by name", async () => {
    const path = await dir.write("train.csv", "c,text,a,b\n1,x,0,1\n0,y,1,0\n");
    const { file, rows } = await read({ path }, { labels: ["a", "b", "c"] });
    expect(file.labels).toEqual(["a", "b", "c"]);
    expect(rows.map((r) => r.labels)).toEqual([[1, 2], [0]]);

    const other = await dir.write("dev.csv", "b,a,more,text,c\n0,1,?,z,1\n");
    const dev = await read({ path: other }, { labels: file.labels, columns: file.columns });
    expect(dev.rows).toEqual([{ row: 2, text: "z", labels: [0, 2] }]);
  });

  test("named columns keep the order that the user wrote", async () => {
    const path = await dir.write("named.csv", "text,a,b,note\nx,1,0,n\ny,0,1,n\n");
    const { file, rows } = await read({ path, labelColumns: ["b", "a"] });
    expect(file.labels).toEqual(["b", "a"]);
    expect(rows.map((r) => r.labels)).toEqual([[1], [0]]);
  });

  test("a label may be called like a text column", async () => {
    const path = await dir.write("content.csv", "id,comment_text,content,text\n1,x,1,0\n");
    const { file } = await read({ path }, { labels: ["text", "content"] });
    expect(file.columns).toEqual({
      text: "comment_text",
      id: "id",
      labels: { kind: "columns", names: ["text", "content"] },
    });
  });

  test.each([
    [
      "two.csv",
      "text,a\nx,1\ny,2\n",
      ["a"],
      'DATA two.csv:3: label "2" in column "a" is neither 0 nor 1; write 0 or 1, or name only columns of labels (`labelColumns`)',
    ],
    [
      "word.csv",
      "text,a\nx,maybe\n",
      ["a"],
      'DATA word.csv:2: label "maybe" in column "a" is neither 0 nor 1; write 0 or 1, or name only columns of labels (`labelColumns`)',
    ],
    [
      "none.csv",
      'text,a\n"x\ny",\n',
      ["a"],
      'DATA none.csv:2: a blank cell in column "a" is neither yes nor no; use `missing: "mask"` to leave unknown labels out of training and metrics, or `missing: "negative"` to read them as 0',
    ],
    [
      "guess.csv",
      "text,a,votes\nx,1,0\ny,0,1\nz,0,3\n",
      undefined,
      'DATA guess.csv:4: cannot tell which columns are labels: column "votes" holds "3", neither 0 nor 1; name the 0/1 columns (`labelColumns`) or the column that lists labels (`labelsColumn`)',
    ],
    [
      "near.csv",
      "text,toxic,threats\nx,1,0\n",
      ["toxic", "threat"],
      'DATA near.csv:1: no column "threat" for the label column; did you mean "threats"? the file has "text", "toxic", "threats"',
    ],
    [
      "alone.csv",
      "id,text\n1,x\n",
      undefined,
      'DATA alone.csv:1: no labels found; name the 0/1 columns (`labelColumns`) or the column that lists labels (`labelsColumn`); the file has "id", "text"',
    ],
  ])("error in %s", async (name, content, labels, message) => {
    const path = await dir.write(name, content);
    expect(dir.short(await errorOf(read({ path }, { labels })))).toBe(message);
  });

  test("named columns have to be the known labels", async () => {
    const path = await dir.write("known.csv", "text,a,b\nx,1,0\n");
    expect(dir.short(await errorOf(read({ path, labelColumns: ["a", "b"] }, { labels: ["a", "bee"] })))).toBe(
      'DATA known.csv: label column "b" is not one of the labels; the labels are "a", "bee"',
    );
    expect(dir.short(await errorOf(read({ path, labelColumns: ["a"] }, { labels: ["a", "b"] })))).toBe(
      'DATA known.csv: the label "b" has no column; the label columns are "a"',
    );
    expect(await errorOf(read({ path }, { labels: ["a", "a"] }))).toBe(
      'ARGUMENT the list of labels has "a" twice; name each label once',
    );
  });
});

describe("a column that lists labels", () => {
  test("names are collected in sorted order; spaces, empty parts and repeated names do not count", async () => {
    const path = await dir.write("tags.csv", 'text,tags\nx,"zebra, ant,"\ny,\nz,ant\nw,"ant,ant"\n');
    const { file, rows } = await read({ path });
    expect(file.columns.labels).toEqual({
      kind: "delimited",
      column: "tags",
      separator: ",",
      values: "names",
    });
    expect(file.labels).toEqual(["ant", "zebra"]);
    expect(rows.map((r) => r.labels)).toEqual([[0, 1], [], [0], [0]]);
  });

  test("collected integers are sorted by value", async () => {
    const path = await dir.write("numbers.csv", 'text,labels\nx,"10,2"\ny,1\n');
    const { file, rows } = await read({ path });
    expect(file.labels).toEqual(["1", "2", "10"]);
    expect(rows.map((r) => r.labels)).toEqual([[1, 2], [0]]);
    const again = await read({ path }, { labels: file.labels, columns: file.columns });
    expect(again.rows).toEqual(rows);
  });

  test("JSON lists in a CSV, of names or ids", async () => {
    const path = await dir.write("json.csv", 'text,labels\nx,"[""b"",""a, c""]"\ny,[]\nz,\n');
    const { file, rows } = await read({ path });
    expect(file.columns.labels).toEqual({ kind: "json", column: "labels", values: "names" });
    expect(file.labels).toEqual(["a, c", "b"]);
    expect(rows.map((r) => r.labels)).toEqual([[0, 1], [], []]);
    const ids = await dir.write("jsonids.csv", 'text,labels\nx,"[1,0]"\ny,[1]\n');
    expect((await read({ path: ids }, { labels: ["n", "m"] })).rows.map((r) => r.labels)).toEqual([
      [0, 1],
      [1],
    ]);
  });

  test("names win over ids only where every value is a name, and the model remembers", async () => {
    const labels = ["1", "2", "3"];
    const asNames = await dir.write("asnames.csv", 'text,labels\nx,"1,3"\ny,2\n');
    expect((await read({ path: asNames }, { labels })).rows.map((r) => r.labels)).toEqual([[0, 2], [1]]);

    const asIds = await dir.write("asids.csv", 'text,labels\nx,"1,2"\ny,0\n');
    const train = await read({ path: asIds }, { labels });
    expect(train.rows.map((r) => r.labels)).toEqual([[1, 2], [0]]);
    const dev = await read({ path: asNames }, { labels: ["1", "2", "3", "4"], columns: train.file.columns });
    expect(dev.rows.map((r) => r.labels)).toEqual([[1, 3], [2]]);
  });

  test("a dev file may list names where the training file listed ids", async () => {
    const labels = ["joy", "fear"];
    const ids = await read({ path: await dir.write("i.csv", "text,labels\nx,1\n") }, { labels });
    const names = await dir.write("n.csv", 'text,labels\nx,\ny,"fear,joy"\n');
    const { rows } = await read({ path: names }, { labels, columns: ids.file.columns });
    expect(rows.map((r) => r.labels)).toEqual([[], [0, 1]]);
  });

  test.each([
    [
      "unknown.csv",
      "text,labels\nx,joy\ny,joyy\n",
      'DATA unknown.csv:3: unknown label "joyy" in column "labels"; did you mean "joy"?',
    ],
    [
      "far.csv",
      "text,labels\nx,joy\ny,penguin\n",
      'DATA far.csv:3: unknown label "penguin" in column "labels"; the labels are "joy", "fear"',
    ],
    [
      "id.csv",
      "text,labels\nx,joy\ny,1\n",
      'DATA id.csv:3: unknown label "1" in column "labels"; the labels are "joy", "fear"',
    ],
    [
      "python.csv",
      "text,labels\nx,\"['joy', 'fear]\"\n",
      `DATA python.csv:2: column "labels" holds "['joy', 'fear]", a list that cannot be read; write a list such as ["a", "b"], or \`labelSeparator\` if brackets are part of the names`,
    ],
  ])("error in %s", async (name, content, message) => {
    const path = await dir.write(name, content);
    expect(dir.short(await errorOf(read({ path }, { labels: ["joy", "fear"] })))).toBe(message);
  });

  test("separators that cannot work", async () => {
    const path = await dir.write("sep.csv", "text,labels\nx,a b\n");
    expect(dir.short(await errorOf(read({ path, labelSeparator: " " }, { labels: ["a b", "c"] })))).toBe(
      'DATA sep.csv: the label "a b" contains the separator " "; use another `labelSeparator`, or write JSON lists',
    );
    expect(await errorOf(read({ path, labelSeparator: "" }))).toMatch(/^ARGUMENT `labelSeparator` is empty/);
    expect(await errorOf(read({ path, labelsColumn: "labels", labelColumns: ["labels"] }))).toMatch(
      /both `labelColumns` and `labelsColumn` are given; give one of them/,
    );
  });

  test("no label anywhere", async () => {
    const path = await dir.write("nolabel.csv", "text,labels\nx,\ny,\n");
    expect(dir.short(await errorOf(read({ path })))).toBe(
      'DATA nolabel.csv: no row has a label in column "labels"',
    );
  });
});

test("without labels asked for, label columns may be missing or wrong", async () => {
  const path = await dir.write("train2.csv", "id,comment_text,toxic\n1,x,1\n");
  const { file } = await read({ path });
  const bare = await dir.write("bare.csv", "comment_text\nhello\n");
  const options = { labels: file.labels, columns: file.columns, requireLabels: false };
  const predict = await openData({ path: bare }, options);
  expect(predict.columns).toEqual({ text: "comment_text", labels: { kind: "none" } });
  expect(predict.labels).toEqual(["toxic"]);
  expect(await collect(predict)).toEqual([{ row: 2, text: "hello", labels: [] }]);
  const wrong = await dir.write("wrong.csv", "toxic,comment_text,id\n-1,hello,a\n");
  expect((await read({ path: wrong }, options)).rows).toEqual([
    { row: 2, id: "a", text: "hello", labels: [] },
  ]);
});

test("ten thousand labels", async () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `label-${i}`);
  const rowOf = (set: number[]) => names.map((_, i) => (set.includes(i) ? 1 : 0)).join(",");
  const path = await dir.write(
    "wide.csv",
    `text,${names.join(",")}\nx,${rowOf([0, 9_999])}\ny,${rowOf([5])}\n`,
  );
  const started = performance.now();
  for (const labels of [undefined, names, names.toReversed()]) {
    const { file, rows } = await read({ path }, { labels });
    expect(file.labels.length).toBe(10_000);
    expect(rows.map((r) => r.labels)).toEqual([
      [0, 9_999],
      [labels === undefined || labels === names ? 5 : 9_994],
    ]);
  }
  // Far above what it takes (0.2 s), far below what a quadratic search would.
  expect(performance.now() - started).toBeLessThan(5_000);
});
