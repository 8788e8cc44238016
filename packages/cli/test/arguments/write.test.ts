import { trainOptionsSchema } from "@finetag/api";
import { expect, test } from "vitest";
import { flagWriter } from "../../src/arguments/index.ts";

const write = flagWriter(Object.keys(trainOptionsSchema.shape));

test.each([
  ["give `devSplit`", "give --dev-split"],
  ["use `newHead: true` to replace it", "use --new-head to replace it"],
  ["use `tokenCache: false`", "use --no-token-cache"],
  ["use `maxLength: 512`, or `batchSize: 8`", "use --max-length 512, or --batch-size 8"],
  ["with `warmupRatio: 0.1`", "with --warmup-ratio 0.1"],
  ['for tabs use `format: "tsv"`', "for tabs use --format tsv"],
  ['`columns: ["text", "labels", "id"]`', "--columns text,labels,id"],
  ['`labelSeparator: "|"`?', "--label-separator '|'?"],
  ['use `labelSeparator: ","`, or', "use --label-separator ',', or"],
  ['`labelSeparator: "it\'s"`', "--label-separator 'it'\\''s'"],
  ["(`labelColumns`) or (`labelsColumn`)", "(--label-columns) or (--labels-column)"],
])("%s becomes %s", (message, written) => {
  expect(write(message)).toBe(written);
});

test.each([
  "run `finetag pull all-MiniLM-L6-v2`",
  "its file `checkpoint` names another one",
  "`numpy: 2` is no option, nor is `labelcolumns`",
  'no column "`devSplit`" and no label "a \\" `seed: 1`"',
  "devSplit, newHead: true",
  "a`model`b: it already holds a run",
  "runs/`seed`/checkpoints: no complete checkpoint found; the run starts from the beginning",
  "`model`/x and x.`model`.csv, or `model`.csv",
  'a quote (") opens here, and a second one (") closes it',
])("%s stays as it is", (message) => {
  expect(write(message)).toBe(message);
});

test.each([
  [["--output-dir", "`model`"], "`model`: it already holds a run; continue with `resume: true`"],
  [["--output-dir=a `model` b"], "a `model` b: it already holds a run; continue with `resume: true`"],
  [["a `seed: 1`", "b"], "a `seed: 1`/x: it already holds a run; continue with `resume: true`"],
])("the words %j stay as they are", (words, message) => {
  const flags = flagWriter(Object.keys(trainOptionsSchema.shape), words);
  expect(flags(message)).toBe(message.replace("`resume: true`", "--resume"));
});
