import { trainOptionsSchema } from "@finetag/api";
import { expect, test } from "vitest";
import type { Flag } from "../../src/arguments/flags.ts";
import { flagsOf, suggest } from "../../src/arguments/index.ts";

const flags = flagsOf(trainOptionsSchema);
const flag = (name: string) => flags.find((each) => each.name === name) as Flag;

test("every option of the schema is a flag with help", () => {
  expect(flags.map(({ key }) => key)).toEqual(Object.keys(trainOptionsSchema.shape));
  for (const { name, description } of flags) {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(description, name).not.toBe("");
  }
});

test("kinds, defaults and requirements come from the schema", () => {
  expect(flag("batch-size")).toMatchObject({
    kind: "number",
    defaultText: "32",
    requirement: "a whole number of at least 1",
  });
  expect(flag("learning-rate")).toMatchObject({
    defaultText: "5e-5",
    requirement: "a number greater than 0",
  });
  expect(flag("dev-split")).toMatchObject({ requirement: "a number greater than 0 and less than 1" });
  expect(flag("max-length")).toMatchObject({ requirement: "a whole number of at least 3" });
  expect(flag("eval-every")).toMatchObject({
    kind: "numberOrText",
    requirement: "epoch or a whole number of at least 1",
  });
  expect(flag("label-columns")).toMatchObject({ kind: "list" });
  expect(flag("header")).toMatchObject({ kind: "boolean", defaultText: "on" });
  expect(flag("resume")).toMatchObject({ kind: "boolean", defaultText: undefined });
  expect(flag("schedule")).toMatchObject({ kind: "text", choices: ["linear", "cosine", "constant"] });
  expect(flags.filter(({ required }) => required).map(({ name }) => name)).toEqual(["model", "output-dir"]);
});

test.each([
  ["epoch", "epochs"],
  ["batchSize", "batch-size"],
  ["max_seq_length", "max-length"],
  ["num_train_epochs", "epochs"],
  ["warmup_proportion", "warmup-ratio"],
  ["save_checkpoints_steps", "save-every"],
  ["init_checkpoint", "model"],
  ["lr", "learning-rate"],
  ["ouptut-dir", "output-dir"],
  ["something-else-entirely", undefined],
  ["x", undefined],
])("%s suggests %s", (written, meant) => {
  const names = flags.map(({ name }) => name);
  expect(suggest(written, names)).toBe(meant);
});
