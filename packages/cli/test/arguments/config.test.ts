import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trainOptionsSchema } from "@finetag/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig, readConfig } from "../../src/arguments/config.ts";
import { flagsOf, validate } from "../../src/arguments/index.ts";

const flags = flagsOf(trainOptionsSchema);
const read = (text: string, path = "run.yaml") => {
  const given = parseConfig(path, text, flags);
  return validate(trainOptionsSchema.partial(), given, flags);
};

test("YAML and JSON, camelCase and kebab-case", () => {
  const expected = { model: "m", batchSize: 8, learningRate: 1e-5, labelColumns: ["a", "b"], header: false };
  expect(
    read("model: m\nbatch-size: 8\nlearningRate: 1e-5\nlabel-columns: [a, b]\nheader: false\n"),
  ).toMatchObject(expected);
  expect(
    read(
      '{\n\t"$schema": "x",\n\t"model": "m",\n\t"batchSize": 8, "learning-rate": 1e-5,\n\t"labelColumns": ["a", "b"], "header": false\n}\n',
      "run.json",
    ),
  ).toMatchObject(expected);
});

test("an empty file gives nothing", () => {
  expect(parseConfig("run.yaml", "", flags).size).toBe(0);
  expect(parseConfig("run.yaml", "# nothing\n", flags).size).toBe(0);
  expect(parseConfig("run.yaml", "null\n", flags).size).toBe(0);
});

test.each([
  ["model: m\nepoch: 3\n", 'run.yaml:2: unknown key "epoch"; did you mean "epochs"?'],
  ["model: m\n\nmax_seq_length: 3\n", 'run.yaml:3: unknown key "max_seq_length"; did you mean "maxLength"?'],
  ["batchSize: 8\nbatch-size: 8\n", 'run.yaml:2: "batch-size" is given twice; give it once'],
  ["model: m\nmodel: n\n", "run.yaml:2: Map keys must be unique"],
  ["model: m\nepochs: abc\n", 'run.yaml:2: epochs: "abc" must be a number greater than 0'],
  ['epochs: "3"\n', 'run.yaml:1: epochs: "3" must be a number greater than 0'],
  ["dev:\n", "run.yaml:1: dev: null must be a non-empty text"],
  ["columns: a,b\n", 'run.yaml:1: columns: "a,b" must be a list of non-empty names'],
  ["- model\n", "run.yaml:1: must contain options, one `key: value` per line"],
  ["model: [m\n", /^run\.yaml:2: /],
  [
    "epochs: 2\nlearningRate: *rate\n",
    "run.yaml:2: *rate stands for nothing; write the value, or &rate before it",
  ],
  ["a: &x 1\n---\nb: 2\n", /^run\.yaml:\d+: it holds several documents, each after a ---; keep one$/],
  ["? [a]\n: 1\n", /^run\.yaml:1: unknown key /],
  [
    "saveEvery: 10 minutes\n",
    'run.yaml:1: saveEvery: "10 minutes" must be epoch, a number of steps, or a time such as 10m',
  ],
  ["device: gpu\n", 'run.yaml:1: device: "gpu" must be auto, cpu, cuda or cuda:N'],
])("%j is refused with its line", (text, message) => {
  expect(() => read(text)).toThrow(message);
});

const blocks = (depth: number) =>
  Array.from({ length: depth }, (_, level) => `${" ".repeat(level)}a:`).join("\n");

test.each([
  ["a list in lists", `model:\n  ${"- ".repeat(20_000)}\n`, /^run\.yaml:2: its values are nested too deep; /],
  ["a block in blocks", blocks(2000), /^run\.yaml:\d+: its values are nested too deep; /],
  [
    "nested without an end",
    `model: ${"[".repeat(200_000)}\n`,
    /^run\.yaml:1: its values are nested too deep; /,
  ],
  [
    "nested deep",
    `model: ${"[1,".repeat(2000)}1${"]".repeat(2000)}\n`,
    /^run\.yaml:1: its values are nested too/,
  ],
  [
    "long",
    `epochs: ${"x".repeat(3_000_000)}\n`,
    /^run\.yaml:1: epochs: "x{100,130}… must be a number greater than 0$/,
  ],
  [
    "a long name",
    `${"x".repeat(1000)}: 3\n`,
    /^run\.yaml:1: unknown key "x{100,130}…"; see finetag train --help$/,
  ],
])("a value that is %s is refused in one short line", (_, text, message) => {
  expect(() => read(text)).toThrow(message);
});

test("aliases stand for their anchors, and a bomb of them is refused with its line", () => {
  expect(
    read("model: &name m\ntrain: *name\nlabelColumns: &columns [a, b]\ncolumns: *columns\n"),
  ).toMatchObject({
    model: "m",
    train: "m",
    columns: ["a", "b"],
  });
  const ten = (name: string) => `[${Array(10).fill(`*${name}`).join(", ")}]`;
  const bomb = `model: &a x\nlabels: &b ${ten("a")}\ntrain: &c ${ten("b")}\ndev: &d ${ten("c")}\ntest: ${ten("d")}\n`;
  const started = performance.now();
  expect(() => read(bomb)).toThrow(
    "run.yaml:5: its aliases (*name) repeat too much; write the values themselves",
  );
  expect(performance.now() - started).toBeLessThan(2000);
});

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "finetag-config-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test("a file that is not there or is not UTF-8", async () => {
  await expect(readConfig(join(dir, "no.yaml"), flags)).rejects.toThrow(
    /no\.yaml: cannot read the config file \(ENOENT\)/,
  );
  await expect(readConfig("/dev/zero", flags)).rejects.toThrow(
    "/dev/zero: more than 16777216 bytes, too many",
  );
  await writeFile(join(dir, "latin1.yaml"), Buffer.from([0x6d, 0x3a, 0x20, 0xe9, 0x0a]));
  await expect(readConfig(join(dir, "latin1.yaml"), flags)).rejects.toThrow(/latin1\.yaml: not UTF-8/);
});
