import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DataSpec } from "../../src/data/index.ts";
import type { OpenDataOptions } from "../../src/data/types.ts";
import { errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();
const caseAt = (name: string) => join(import.meta.dirname, "cases", name);

/** The names of each row's labels. */
async function namesOf(spec: DataSpec, options: Partial<OpenDataOptions> = {}): Promise<string[][]> {
  const { file, rows } = await read(spec, options);
  return rows.map(({ labels }) => labels.map((label) => file.labels[label]!));
}

/** The names of each row's labels in a file with this content. */
async function namesIn(name: string, content: string, spec: Partial<DataSpec> = {}): Promise<string[][]> {
  return await namesOf({ path: await dir.write(name, content), ...spec });
}

const refusal = async (name: string, content: string, spec: Partial<DataSpec> = {}) =>
  dir.short(await errorOf(namesIn(name, content, spec)));

describe("files as people have them", () => {
  const flags = [["LABEL_1"], ["LABEL_0"], ["LABEL_2"]];
  test.each<[string, string[][]]>([
    ["bar-sep.csv", [["fire", "hire"], ["fire"], ["hire"], ["join"]]],
    ["hash-sep.csv", [["joy", "love"], ["sadness"], ["love"], ["joy"]]],
    ["tuple3.csv", [...flags, ["LABEL_0", "LABEL_1"]]],
    ["onehot-list3.csv", flags],
    ["onehot-list3-float.jsonl", flags.slice(0, 2)],
    ["onehot-numpy.csv", flags.slice(0, 2)],
    ["onehot-spaces.csv", [["LABEL_1"], ["LABEL_0"], ["LABEL_0", "LABEL_1"]]],
    ["ls-choices.csv", [["joy", "love"], ["sadness"]]],
    ["mixed-plain-json.csv", [["a"], ["a", "b"], []]],
    ["py-list.csv", [["joy", "love"], ["sadness"], []]],
    ["bool-py.csv", [["joy"], ["sad"]]],
    ["bool-json.jsonl", [["joy"], ["sad"]]],
    ["floats.csv", [["joy"], ["sad"]]],
    ["two-num-class.csv", [["class"], ["sport"], []]],
    ["unnamed01.csv", [["joy"], ["sad"]]],
    ["doccano-jsonl.jsonl", [["joy", "love"], []]],
    ["nested-cats.jsonl", [["POS"], ["NEG"]]],
    ["sparse-json.jsonl", [["joy"], ["sad"]]],
  ])("%s", async (name, expected) => {
    expect(await namesOf({ path: caseAt(name) })).toEqual(expected);
  });

  test("flags are named by a list of labels, which must be as many", async () => {
    const path = caseAt("tuple3.csv");
    const labels = ["joy", "sad", "hurt"];
    expect(await namesOf({ path }, { labels })).toEqual([["sad"], ["joy"], ["hurt"], ["joy", "sad"]]);
    expect(await errorOf(namesOf({ path }, { labels: ["a", "b"] }))).toMatch(
      /holds 3 values in a cell, but there are 2 labels; list the labels of these values in a file \(`labels`\)$/,
    );
  });

  test("columns that nothing uses are named, and those that look like labels are warned of", async () => {
    const { file } = await read({ path: caseAt("ls-choices.csv") });
    expect(file.plan.unused).toEqual(["annotator"]);
    const known = await read({ path: caseAt("new-label-column.csv") }, { labels: ["a", "b", "c"] });
    expect(known.file.plan).toMatchObject({ unused: ["d"], unusedLabels: ["d"] });
    expect(known.file.plan.warnings).toHaveLength(1);
    expect(known.file.plan.warnings[0]).toContain(
      'column "d" looks like a label, but is not used; list it with the other labels (`labels`) if it is one, and use `newHead: true`',
    );
  });

  test("-1 is refused with the options that read it, and they do", async () => {
    const path = caseAt("minus1.csv");
    expect(await errorOf(namesOf({ path }))).toMatch(
      /minus1\.csv:2: "-1" in column "toxic" is neither yes nor no; use `missing: "mask"` .+ or `missing: "negative"`/,
    );
    const masked = await read({ path, missing: "mask" });
    expect(masked.rows).toEqual([{ row: 3, id: "b", text: "you fool", labels: [0, 1] }]);
    expect(masked.file.unlabeledRows).toBe(1);
    expect(await namesOf({ path, missing: "negative" })).toEqual([[], ["toxic", "insult"]]);
  });

  test("graded labels are refused with the options that read them, and they do", async () => {
    const path = caseAt("soft.csv");
    expect(await errorOf(namesOf({ path }))).toMatch(
      /is graded; use `softLabels: true` .+ or `labelThreshold: 0\.5`/,
    );
    const soft = await read({ path, softLabels: true });
    expect(soft.rows.map(({ labels, targets }) => ({ labels, targets }))).toEqual([
      { labels: [1], targets: [0.1666] },
      { labels: [0, 1], targets: [0.9, 0.8] },
    ]);
    expect(await namesOf({ path, labelThreshold: 0.5 })).toEqual([[], ["toxicity", "insult"]]);
    expect(await namesOf({ path: caseAt("civil-target.csv"), labelThreshold: 0.5 })).toEqual([
      [],
      ["target", "insult"],
      [],
    ]);
  });

  test("a title and an abstract: the question names both, and both answers work", async () => {
    const path = caseAt("upper-id.csv");
    expect(await errorOf(namesOf({ path }))).toContain(
      'use `textColumn: "ABSTRACT"`, or `textColumn: "TITLE"` and `textPairColumn: "ABSTRACT"` for both',
    );
    const expected = [["Computer Science"], ["Physics"]];
    expect(await namesOf({ path, textColumn: "ABSTRACT" })).toEqual(expected);
    const both = await read({ path, textColumn: "TITLE", textPairColumn: "ABSTRACT" });
    expect(both.rows[0]).toEqual({ row: 2, id: "1", text: "A title", textPair: "An abstract", labels: [0] });
  });

  test("one row a label is told, and merged on demand", async () => {
    const path = caseAt("dup-texts.csv");
    const { file } = await read({ path });
    expect(file.plan.warnings.join()).toMatch(/2 texts come on several rows .+ `mergeDuplicates: true`/);
    expect(await namesOf({ path, mergeDuplicates: true })).toEqual([
      ["joy", "love"],
      ["hurt", "sad"],
    ]);
    const merged = await read({ path, mergeDuplicates: true });
    expect(merged.file.mergedRows).toBe(2);
    expect(merged.file.columns.mergeDuplicates).toBe(true);
  });
});

describe("siblings", () => {
  test.each<[string, string, string[][]]>([
    ["yes.csv", "text,a,b\nx,Yes,no\ny,NO,yes\n", [["a"], ["b"]]],
    ["tf.csv", "text,a,b\nx,T,F\ny,f,t\n", [["a"], ["b"]]],
    ["marks.csv", "text,a,b\nx,X,\ny,,x\nz,,\n", [["a"], ["b"], []]],
    ["checks.csv", "text,a,b\nx,✓,\ny,,✓\n", [["a"], ["b"]]],
    ["ones.csv", "text,a,b\nx,1,\ny,,1\n", [["a"], ["b"]]],
    ["chinese.csv", "文本,开心,难过\nx,是,否\ny,否,是\n", [["开心"], ["难过"]]],
    ["semicolon.csv", "text,labels\nx,a;b\ny,a\nz,b;c\nw,c\n", [["a", "b"], ["a"], ["b", "c"], ["c"]]],
    ["slash.csv", "text,tags\nx,a/b\ny,a\nz,b\n", [["a", "b"], ["a"], ["b"]]],
    ["blank.csv", "text,tags\nx,joy love\ny,joy\nz,love\n", [["joy", "love"], ["joy"], ["love"]]],
    ["ideographic.csv", "text,tags\nx,喜、爱\ny,喜\nz,爱\n", [["喜", "爱"], ["喜"], ["爱"]]],
    ["wide-comma.csv", "text,tags\nx,喜，爱\ny,喜\nz,爱\n", [["喜", "爱"], ["喜"], ["爱"]]],
    ["newline.csv", 'text,tags\nx,"a\nb"\ny,a\nz,b\n', [["a", "b"], ["a"], ["b"]]],
    ["hash-tags.csv", "text,tags\nx,#joy #love\ny,#joy\nz,#love\n", [["joy", "love"], ["joy"], ["love"]]],
    [
      "two-words.csv",
      "text,tags\nx,very good\ny,very bad\nz,new york\n",
      [["very good"], ["very bad"], ["new york"]],
    ],
    ["set.csv", "text,labels\nx,\"{'b', 'a'}\"\ny,set()\nz,{'a'}\n", [["a", "b"], [], ["a"]]],
    ["tuple.csv", "text,labels\nx,\"('a', 'b')\"\ny,\"('a',)\"\nz,()\n", [["a", "b"], ["a"], []]],
    ["array.csv", "text,labels\nx,\"array(['a', 'b'], dtype=object)\"\ny,['b']\n", [["a", "b"], ["b"]]],
    ["numpy.csv", "text,labels\nx,['a' 'b']\ny,['b']\n", [["a", "b"], ["b"]]],
    ["postgres.csv", 'text,labels\nx,"{a,b}"\ny,{b}\n', [["a", "b"], ["b"]]],
    [
      "tmdb.csv",
      "text,genres\nx,\"[{'id': 1, 'name': 'Action'}, {'id': 2, 'name': 'Drama'}]\"\ny,[]\n",
      [["Action", "Drama"], []],
    ],
    [
      "bools.jsonl",
      '{"text":"x","labels":[true,false]}\n{"text":"y","labels":[false,true]}\n',
      [["LABEL_0"], ["LABEL_1"]],
    ],
    ["commas.csv", 'text,labels\nx,"0,1,0"\ny,"1,1,0"\n', [["LABEL_1"], ["LABEL_0", "LABEL_1"]]],
    ["bars.csv", "text,labels\nx,0|1|1\ny,1|0|0\n", [["LABEL_1", "LABEL_2"], ["LABEL_0"]]],
    ["float-numpy.csv", "text,labels\nx,[0. 1. 0.]\ny,[1. 0. 0.]\n", [["LABEL_1"], ["LABEL_0"]]],
    ["object.csv", "text,cats\nx,\"{'a': 1, 'b': 0}\"\ny,\"{'a': 0, 'b': 1}\"\n", [["a"], ["b"]]],
    [
      "true-only.jsonl",
      '{"text":"x","cats":{"b":true}}\n{"text":"y","cats":{"a":true}}\n{"text":"z","cats":{}}\n',
      [["b"], ["a"], []],
    ],
    ["gap-ids.csv", "text,labels\nx,3.0\ny,\nz,12.0\n", [["3"], [], ["12"]]],
    ["shuffled.csv", "Unnamed: 0,text,yes,no\n1,x,1,0\n0,y,0,1\n", [["yes"], ["no"]]],
    ["codes.csv", "text,codes,labels\nx,q,401.9\ny,q,250.00\n", [["401.9"], ["250.00"]]],
    ["mixed-names.csv", 'text,labels\nx,"[""a"",""b""]"\ny,"a, b"\nz,b\n', [["a", "b"], ["a", "b"], ["b"]]],
  ])("%s", async (name, content, expected) => {
    expect(await namesIn(name, content)).toEqual(expected);
  });

  test.each<[string, string, Partial<DataSpec>[], RegExp]>([
    [
      "either-id.csv",
      'text,labels\nx,"[0,1]"\ny,"[1,0]"\n',
      [{ labelValues: "flags" }, { labelValues: "ids" }],
      /either a 0 or 1 for each label/,
    ],
    [
      "bits.csv",
      "text,labels\nx,010\ny,110\n",
      [{ labelValues: "flags" }, { labelValues: "names" }],
      /cells such as "010": either/,
    ],
    [
      "binary.csv",
      "text,label\nx,1\ny,0\n",
      [{ labelColumns: ["label"] }, { labelsColumn: "label" }],
      /holds only 0 and 1: either/,
    ],
    [
      "binary-float.csv",
      "text,label\nx,1.0\ny,0.0\n",
      [{ labelColumns: ["label"] }, { labelsColumn: "label" }],
      /holds only 0 and 1: either/,
    ],
    [
      "once.csv",
      "text,labels\nx,a|b\ny,c\n",
      [{ labelSeparator: "|" }, { labelSeparator: "," }],
      /too few come again/,
    ],
    [
      "both.csv",
      "text,category,a,b\nx,news,1,0\ny,sport,0,1\n",
      [{ labelsColumn: "category" }, { labelColumns: ["a", "b"] }],
      /say which$/,
    ],
    [
      "gaps.csv",
      "text,a,b\nx,1,0\ny,,1\n",
      [{ missing: "mask" }, { missing: "negative" }],
      /:3: a blank cell in column "a"/,
    ],
    [
      "nan.csv",
      "text,a,b\nx,1,0\ny,nan,1\n",
      [{ missing: "mask" }, { missing: "negative" }],
      /:3: "nan" in column "a"/,
    ],
    [
      "none.csv",
      "text,labels\nx,a\ny,None\n",
      [{ missing: "mask" }, { missing: "negative" }],
      /:3: "None" in column "labels"/,
    ],
    [
      "null.jsonl",
      '{"text":"x","labels":["a"]}\n{"text":"y","labels":null}\n',
      [{ missing: "mask" }, { missing: "negative" }],
      /:2: null in field "labels"/,
    ],
    [
      "soft-list.csv",
      'text,labels\nx,"[0.2, 0.9]"\ny,"[0.0, 1.0]"\n',
      [{ softLabels: true }, { labelThreshold: 0.5 }],
      /is graded/,
    ],
    [
      "soft-object.jsonl",
      '{"text":"x","cats":{"a":0.2,"b":1}}\n{"text":"y","cats":{"a":1,"b":0}}\n',
      [{ softLabels: true }, { labelThreshold: 0.5 }],
      /is graded/,
    ],
    [
      "late-zero.csv",
      "text,a,b\nx,x,\ny,,x\nz,0,\n",
      [{ missing: "negative" }, { missing: "mask" }],
      /:3: a blank cell/,
    ],
  ])("%s is refused, and each remedy works", async (name, content, remedies, message) => {
    expect(await refusal(name, content)).toMatch(message);
    for (const remedy of remedies) {
      const rows = await namesIn(name, content, remedy);
      for (const label of rows.flat())
        expect(label).not.toMatch(/^[([{]|[\])}]$|^nan$|^None$|^0?\.\d|^\d [01]/);
    }
  });

  test.each([
    ["score.csv", "text,target\nx,0.2\ny,0.9\n", /is graded; use `softLabels: true`/],
    [
      "spans.jsonl",
      '{"text":"x","label":[[0,5,"PER"]]}\n{"text":"y","label":[[0,2,"ORG"],[3,4,"PER"]]}\n',
      /marks spans of the text/,
    ],
    ["objects.jsonl", '{"text":"x","labels":[{"start":0,"end":2,"label":"A"}]}\n', /marks spans of the text/],
    ["torn.csv", "text,labels\nx,\"['a', 'b]\"\n", /a list that cannot be read/],
  ])("error in %s", async (name, content, message) => {
    expect(await refusal(name, content)).toMatch(message);
  });

  test("names that look alike are told", async () => {
    const path = await dir.write("alike.csv", "text,labels\nx,Joy\ny,joy\nz,\ufb01n\nw,fin\nv,1\nu,1.0\n");
    const { file } = await read({ path });
    expect(file.plan.warnings.join()).toMatch(/"Joy" and "joy".*look alike but count as different ones/);
    expect(file.plan.warnings.join()).toContain('"1" and "1.0"');
  });

  test("a label may be called NA if the list of labels has it", async () => {
    const path = await dir.write("na.csv", "text,country\nx,NA\ny,DE\n");
    expect(await namesOf({ path, labelsColumn: "country" }, { labels: ["DE", "NA"] })).toEqual([
      ["NA"],
      ["DE"],
    ]);
  });

  test("a list of labels may have one that no object has", async () => {
    const options = { labels: ["joy", "envy", "sad"] };
    expect(await namesOf({ path: caseAt("sparse-json.jsonl") }, options)).toEqual([["joy"], ["sad"]]);
    const full = await dir.write("full.jsonl", '{"text":"x","joy":1,"sad":0}\n');
    expect(await errorOf(namesOf({ path: full }, options))).toMatch(/no field "envy" for the label column/);
    expect(await namesOf({ path: full, missing: "negative" }, options)).toEqual([["joy"]]);
  });

  test("what the training file decides holds for the other files", async () => {
    const train = await read({ path: await dir.write("t.csv", "text,labels\nx,a|b\ny,a\nz,b\n") });
    const dev = await dir.write("d.csv", "text,labels\nx,b|a\n");
    const options = { labels: train.file.labels, columns: train.file.columns };
    expect(await namesOf({ path: dev }, options)).toEqual([["a", "b"]]);
    const sparse = await read({ path: caseAt("sparse-json.jsonl") });
    const other = await dir.write("d.jsonl", '{"text":"x","sad":true}\n');
    const saved = { labels: sparse.file.labels, columns: sparse.file.columns };
    expect(await namesOf({ path: other }, saved)).toEqual([["sad"]]);
    const masked = await read({ path: caseAt("minus1.csv"), missing: "mask" });
    const unknown = await dir.write("m.csv", "comment_text,toxic,insult\nx,-1,1\n");
    const { rows } = await read(
      { path: unknown },
      { labels: masked.file.labels, columns: masked.file.columns },
    );
    expect(rows).toEqual([{ row: 2, text: "x", labels: [1], unknown: [0] }]);
  });
});
