import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { readLabelFile } from "../../src/data/index.ts";
import { read } from "./helpers.ts";

const repository = resolve(import.meta.dirname, "../../../..");
const shared = process.env.FINETAG_SHARED_DATA ?? resolve(repository, "../shared/data");
const goemotions = join(shared, "goemotions");
const jigsaw = join(shared, "jigsaw_sample");

test("GoEmotions: rows, labels and ids", async ({ skip }) => {
  skip(!existsSync(goemotions), `no GoEmotions in ${shared} (set FINETAG_SHARED_DATA)`);
  const labels = await readLabelFile(join(goemotions, "labels.txt"));
  expect(labels.length).toBe(28);
  const counts: Record<string, number> = {};
  for (const split of ["train", "dev", "test"]) {
    const spec = { path: join(goemotions, `${split}.tsv`), header: false, columns: ["text", "labels", "id"] };
    const { file, rows } = await read(spec, { labels });
    counts[split] = rows.length;
    expect(file.columns.labels).toEqual({
      kind: "delimited",
      column: "labels",
      separator: ",",
      values: "ids",
    });
    expect(rows.at(-1)!.row).toBe(rows.length);
    if (split !== "train") continue;
    const perLabel = labels.map(() => 0);
    for (const row of rows) for (const label of row.labels) perLabel[label]!++;
    // Counted with Python's csv module.
    expect(perLabel).toEqual([
      4130, 2328, 1567, 2470, 2939, 1087, 1368, 2191, 641, 1269, 2022, 793, 303, 853, 596, 2662, 77, 1452,
      2086, 164, 1581, 111, 1110, 153, 545, 1326, 1060, 14219,
    ]);
    expect(rows.filter(({ text }) => text.includes('"')).length).toBeGreaterThan(1000);
  }
  expect(counts).toEqual({ train: 43_410, dev: 5_426, test: 5_427 });
});

test("the jigsaw sample: columns in two orders, line breaks in quoted texts", async ({ skip }) => {
  skip(!existsSync(jigsaw), `no jigsaw sample in ${shared} (set FINETAG_SHARED_DATA)`);
  const labels = await readLabelFile(join(jigsaw, "labels.csv"));
  const train = await read({ path: join(jigsaw, "train_sample.csv") }, { labels });
  expect(train.file.columns).toEqual({
    text: "comment_text",
    id: "id",
    labels: { kind: "columns", names: labels },
  });
  const known = { labels, columns: train.file.columns };
  const dev = await read({ path: join(jigsaw, "val_sample.csv") }, known);
  // Counted with Python's csv module; the files have 3,365 and 3,693 lines.
  for (const [{ rows }, expected] of [
    [train, [92, 12, 48, 5, 48, 10]],
    [dev, [77, 3, 45, 2, 42, 9]],
  ] as const) {
    expect(rows.length).toBe(1000);
    expect(labels.map((_, i) => rows.filter((row) => row.labels.includes(i)).length)).toEqual(expected);
  }
  const guessed = await read({ path: join(jigsaw, "val_sample.csv") });
  expect(guessed.file.labels).toEqual(labels);
  expect(guessed.rows).toEqual(dev.rows);
});
