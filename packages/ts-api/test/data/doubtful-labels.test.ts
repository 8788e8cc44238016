import { describe, expect, test } from "vitest";
import type { DataSpec } from "../../src/data/index.ts";
import type { OpenDataOptions } from "../../src/data/types.ts";
import { errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();

const csv = (cells: readonly string[]) => {
  const quoted = cells.map((cell, i) => `text ${i},"${cell.replaceAll('"', '""')}"\n`);
  return `text,labels\n${quoted.join("")}`;
};

/** The labels of a file, with its path. */
async function labelsOf(
  name: string,
  content: string,
  spec: Partial<DataSpec> = {},
  options: Partial<OpenDataOptions> = {},
): Promise<string[]> {
  const { file } = await read({ path: await dir.write(name, content), ...spec }, options);
  return file.labels;
}

describe("no pieces of other things become labels", () => {
  test.each<[string, string[], RegExp]>([
    ["a call", ["dict_keys(['a', 'b'])", "dict_keys(['a'])", "dict_keys(['b'])"], /a piece of a list/],
    ["an open list", ["[joy", "[love", "[joy"], /the label "\[joy", a piece of a list/],
    ["a comma in brackets", ["Food (pizza, pasta), Law", "Law", "Food (pizza, pasta)"], /"Food \(pizza"/],
    ["quotes", ["'a','b'", "'a'", "'b'"], /the label "'a'" in quotes/],
    ["scores", ["joy:0.50,love:0.25", "joy:0.10", "love:1.0"], /the label "joy:0\.50", a name with a value/],
  ])("%s", async (_, cells, message) => {
    expect(await errorOf(labelsOf("refused.csv", csv(cells)))).toMatch(message);
    // The remedy: with a separator of the user's, names are taken as they are.
    expect((await labelsOf("taken.csv", csv(cells), { labelSeparator: "," })).length).toBeGreaterThan(0);
  });

  test("a word for nothing in a list is no label, unless a list of labels has it", async () => {
    const content = csv(["joy,nan", "joy,love", "love,None"]);
    expect(dir.short(await errorOf(labelsOf("nan.csv", content)))).toBe(
      'DATA nan.csv:2: column "labels" lists "nan", which is hardly a label\'s name; leave it out, or list it with the ' +
        "other labels in a file (`labels`) if it is one",
    );
    expect(await errorOf(labelsOf("dash.csv", csv(["joy;love", "-", "love"])))).toMatch(/lists "-"/);
    const labels = ["joy", "love", "nan", "None"];
    expect(await labelsOf("nan.csv", content, {}, { labels })).toEqual(labels);
  });

  test.each(["+", "&", ":", " & "])("cells that are made of others by %s are split", async (joiner) => {
    expect(await labelsOf("joined.csv", csv(["joy", "love", `joy${joiner}love`]))).toEqual(["joy", "love"]);
    const apart = ["C", `C${joiner}x`, "joy"];
    expect(await labelsOf("apart.csv", csv(apart))).toEqual([...apart].sort());
  });

  test("tags in angle brackets are no label together", async () => {
    expect(await errorOf(labelsOf("tags.csv", csv(["<a><b>", "<a>", "<b>"])))).toMatch(
      /"<a><b>", a piece of a list/,
    );
  });

  test("signs, enumerations and closed brackets are names", async () => {
    const cells = ["a) Sport|:(", "b) Law (EU)|:(", "a) Sport|b) Law (EU)"];
    expect(await labelsOf("names.csv", csv(cells))).toEqual([":(", "a) Sport", "b) Law (EU)"]);
  });
});

describe("columns next to the labels", () => {
  test("an object of other things, such as metadata, is no label column", async () => {
    const rows = [true, false].map((joy) => ({ text: "t", joy, sad: !joy, meta: { source: "web" } }));
    const content = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(await labelsOf("meta.jsonl", content)).toEqual(["joy", "sad"]);
  });

  test("what an annotator accepts of the options is the labels", async () => {
    const options = ["joy", "sad"].map((id) => ({ id, text: id }));
    const rows = [["joy"], ["joy", "sad"], []].map((accept) => ({ text: "t", options, accept }));
    const content = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(await labelsOf("prodigy.jsonl", content)).toEqual(["joy", "sad"]);
  });

  test("scores next to 0/1 columns are taken as labels only if the user says so", async () => {
    const content = "text,score,joy,sad\na,0.25,1,0\nb,0.5,0,1\n";
    expect(dir.short(await errorOf(labelsOf("scores.csv", content)))).toBe(
      'DATA scores.csv:1: the labels may be the 0/1 columns "joy", "sad" (`labelColumns: ["joy","sad"]`), or these and ' +
        'the values in "score" (`softLabels: true`, or `labelThreshold: 0.5`); say which',
    );
    expect(await labelsOf("scores.csv", content, { labelColumns: ["joy", "sad"] })).toEqual(["joy", "sad"]);
    expect(await labelsOf("scores.csv", content, { softLabels: true })).toEqual(["score", "joy", "sad"]);
  });

  test.each([
    "WAHR/FALSCH",
    "ja/nein",
    "VRAI/FAUX",
    "oui/non",
    "VERDADERO/FALSO",
    "sí/no",
    "sim/não",
    "да/нет",
  ])("spreadsheets in other languages: %s", async (pair) => {
    const [yes, no] = pair.split("/");
    const path = await dir.write("locale.csv", `text;a;b\none;${yes};${no}\ntwo;${no};${yes}\n`);
    const { file, rows } = await read({ path });
    expect(file.labels).toEqual(["a", "b"]);
    expect(rows.map(({ labels }) => labels)).toEqual([[0], [1]]);
  });
});

describe("no text column", () => {
  test("a text inside an object is said to be there, with a command that brings it up", async () => {
    const rows = [{ row_idx: 0, row: { text: "one", labels: ["joy"] } }];
    for (const content of [JSON.stringify({ rows }), JSON.stringify(rows), `${JSON.stringify(rows[0])}\n`]) {
      expect(dir.short(await errorOf(labelsOf("nested.json", content)))).toMatch(
        /the text is inside "row"; bring its fields to the top \(jq -c '\.\. \| objects \| select\(has\("row"\)\) \| \. \+ \.row' \S*nested\.json > flat\.jsonl\); the file has "row_idx", "row"$/,
      );
    }
    // What the command writes.
    const flat = rows.map((one) => JSON.stringify({ ...one, ...one.row })).join("\n");
    expect(await labelsOf("flat.jsonl", flat)).toEqual(["joy"]);
  });

  test("a first line that is a sentence is said to be no header, perhaps", async () => {
    const content = "I am so happy today,joy\nthis is sad,sad\n";
    expect(await errorOf(labelsOf("bare.csv", content))).toMatch(
      /if the file has no header, use `header: false`/,
    );
    expect(await labelsOf("bare.csv", content, { header: false, columns: ["text", "labels"] })).toEqual([
      "joy",
      "sad",
    ]);
  });

  test("the same number twice in the first line is said to be no header, perhaps", async () => {
    const content = "so happy,1,0,0\nthis is sad,0,1,0\n";
    expect(await errorOf(labelsOf("numbers.csv", content))).toMatch(
      /both called "0"; rename one; if the file has no header, use `header: false`/,
    );
    const columns = ["text", "joy", "sad", "fear"];
    expect(await labelsOf("numbers.csv", content, { header: false, columns })).toEqual(columns.slice(1));
  });
});
