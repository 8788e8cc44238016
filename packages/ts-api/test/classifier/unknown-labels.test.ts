import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Classifier } from "../../src/classifier/index.ts";
import { only, setUpRuns } from "../training/runs.ts";
import { LABELS, tinyRows } from "../training/tiny.ts";

const tiny = setUpRuns("unknown");
const { run, weights, metrics } = tiny;

/** The rows of a file, each label as `cell` writes it. */
function csv(
  rows: ReturnType<typeof tinyRows>,
  cell: (given: boolean, row: number, label: number) => string,
): string {
  const lines = rows.map(({ text, labels }, row) =>
    [text, ...LABELS.map((label, i) => cell(labels.includes(label), row, i))].join(","),
  );
  return `${[["text", ...LABELS].join(","), ...lines].join("\n")}\n`;
}

async function write(name: string, content: string): Promise<string> {
  const path = join(tiny.folder, name);
  await writeFile(path, content);
  return path;
}

const options = { dev: undefined, test: undefined, maxSteps: 6, batchSize: 8, overwrite: true };

describe("unknown labels", () => {
  it("are left out of the loss, in training and in evaluation", async () => {
    const rows = tinyRows(64, 3);
    const isUnknown = (row: number, label: number) => (row * 7 + label) % 4 === 0;
    const cell = (given: boolean, row: number, label: number) =>
      isUnknown(row, label) ? "-1" : String(Number(given));
    const train = await write("masked.csv", csv(rows, cell));
    const whole = await write(
      "whole.csv",
      csv(rows, (given) => String(Number(given))),
    );
    const losses = (events: Awaited<ReturnType<typeof run>>) => only(events, "step").map(({ loss }) => loss);
    const unmasked = losses(await run({ ...options, train: whole }));
    expect(losses(await run({ ...options, train, missing: "mask" }))).not.toEqual(unmasked);

    await using classifier = await Classifier.fromPretrained(tiny.out, { threads: 1 });
    const found = await classifier.evaluate(train);
    const predictions = await classifier.predict(rows.map(({ text }) => text));
    const terms = rows.flatMap(({ labels }, row) =>
      LABELS.flatMap((label, i) => {
        const probability = predictions[row]!.probabilities[label]!;
        const likelihood = labels.includes(label) ? probability : 1 - probability;
        return isUnknown(row, i) ? [] : [-Math.log(likelihood)];
      }),
    );
    const mean = terms.reduce((sum, term) => sum + term, 0) / terms.length;
    expect(found.loss).toBeCloseTo(mean, 5);
    for (const [i, label] of LABELS.entries()) {
      const support = rows.filter(({ labels }, row) => labels.includes(label) && !isUnknown(row, i)).length;
      expect(found.per_label[label]!.support).toBe(support);
    }
  });

  it("of a whole row leave the row out, with a warning; the rows left give the same run to the bit", async () => {
    const rows = tinyRows(40, 4);
    const some = rows.filter((_, i) => i % 5 !== 0);
    const all = await write(
      "gaps.csv",
      csv(rows, (given, row) => (row % 5 === 0 ? "-1" : String(Number(given)))),
    );
    const few = await write(
      "few.csv",
      csv(some, (given) => String(Number(given))),
    );
    const one = await run({ ...options, train: all, missing: "mask" });
    const first = await weights();
    const other = await run({ ...options, train: few });
    expect(await weights()).toEqual(first);
    expect(
      only(one, "warning")
        .map(({ message }) => message)
        .join(),
    ).toContain("8 rows have no known label and are left out");
    expect(only(other, "start")[0]!.trainRows).toBe(only(one, "start")[0]!.trainRows);
  });
});

describe("graded labels", () => {
  it("of 0 and 1 give the bits of flags; others the loss of their targets", async () => {
    const rows = tinyRows(32, 6);
    const plain = await write(
      "plain.csv",
      csv(rows, (given) => String(Number(given))),
    );
    const soft = await write(
      "soft.csv",
      csv(rows, (given) => (given ? "0.75" : "0.25")),
    );
    await run({ ...options, train: plain });
    const first = await weights();
    await run({ ...options, train: plain, softLabels: true });
    expect(await weights()).toEqual(first);
    const events = await run({ ...options, train: soft, dev: soft, softLabels: true });
    expect(await weights()).not.toEqual(first);
    // The entropy of the targets is the least that the loss can be.
    const least = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
    for (const { loss } of only(events, "step")) expect(loss).toBeGreaterThan(least - 1e-6);
    // Metrics count 0.75 as positive and 0.25 as not.
    const { dev } = (await metrics()) as { dev: { per_label: Record<string, { support: number }> } };
    for (const label of LABELS) {
      expect(dev.per_label[label]!.support).toBe(rows.filter(({ labels }) => labels.includes(label)).length);
    }
  });

  it("are read in the same way by the saved model", async () => {
    const soft = await write(
      "soft2.csv",
      csv(tinyRows(24, 8), (given) => (given ? "0.9" : "0.2")),
    );
    await run({ ...options, train: soft, softLabels: true });
    const saved = JSON.parse(await readFile(join(tiny.out, "finetag.json"), "utf8")) as { columns: object };
    expect(saved.columns).toMatchObject({ labels: { kind: "columns", soft: true } });
    await using classifier = await Classifier.fromPretrained(tiny.out, { threads: 1 });
    expect((await classifier.evaluate(soft)).loss).toBeGreaterThan(0.2);
  });
});
