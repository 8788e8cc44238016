import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyRows, writeTinyCsv, writeTinyModel } from "../../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "../program.ts";
import { lines } from "./trained.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-data-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

describe("data", () => {
  test("shows the plan on stderr and the counts on stdout", async () => {
    const path = await write(
      "c.csv",
      "Unnamed: 0,id,comment_text,toxic,insult,year\n0,a,how kind,0,0,2020\n1,b,you fool,1,1,2021\n2,c,,0,1,2022\n",
    );
    const { code, stdout, stderr } = await finetag(["data", path]);
    expect(code).toBe(0);
    expect(lines(stderr)).toEqual([
      `finetag: ${path}: csv, utf-8`,
      'finetag: text from "comment_text"; id from "id"; 2 labels from 2 columns of 0/1 ("toxic", "insult"); not used: "Unnamed: 0", "year"; 3 rows',
    ]);
    expect(stdout).toMatch(/^rows +3$/m);
    expect(stdout).toMatch(/^empty texts +1$/m);
    expect(stdout).toMatch(/^insult +2 +66\.7 %$/m);
  });

  test("--json has plan and counts, and options decide", async () => {
    const path = await write("m.csv", "text,a,b\nx,-1,1\ny,1,0\n");
    const { code, stdout } = await finetag(["data", path, "--missing", "mask", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      format: "csv",
      encoding: "utf-8",
      columns: { text: "text", labels: { kind: "columns", names: ["a", "b"], missing: "mask" } },
      rows: 2,
      labelCounts: [
        { label: "a", rows: 1, unknown: 1 },
        { label: "b", rows: 1, unknown: 0 },
      ],
    });
  });

  test("its remedies are flags that work", async () => {
    const path = await write("q.csv", "text,label\nx,1\ny,0\n");
    const { code, stderr } = await finetag(["data", path]);
    expect(code).toBe(2);
    const flags = [...stderr.matchAll(/\((--labels?-columns? label)\)/g)].map(([, flag]) => flag!.split(" "));
    expect(flags).toHaveLength(2);
    for (const flag of flags) expect(await finetag(["data", path, ...flag])).toMatchObject({ code: 0 });
    expect((await finetag(["data"])).stderr).toBe("finetag: FILE is missing: finetag data FILE\n");
  });
});

test("a model's labels and one column more: train says so, and goes on with the model's", async () => {
  const base = await writeTinyModel(join(folder, "base"));
  const train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(60, 1));
  const quick = ["--epochs", "1", "--batch-size", "16", "--threads", "1"];
  const model = join(folder, "out");
  expect(
    await finetag(["train", "--model", base, "--train", train, "--output-dir", model, ...quick]),
  ).toMatchObject({ code: 0 });
  const { rows } = { rows: tinyRows(60, 1) };
  const more = await write(
    "more.csv",
    `text,joy,anger,fear,envy\n${rows.map(({ text, labels }, i) => [text, ...["joy", "anger", "fear"].map((label) => Number(labels.includes(label))), i % 2].join(",")).join("\n")}\n`,
  );
  const next = join(folder, "next");
  const { code, stderr } = await finetag([
    "train",
    "--model",
    model,
    "--train",
    more,
    "--output-dir",
    next,
    ...quick,
  ]);
  expect(code).toBe(0);
  expect(stderr).toContain('not used: "envy" (0/1)');
  expect(stderr).toMatch(
    /warning: .*more\.csv: column "envy" looks like a label, but is not used; list it with the other labels \(--labels\) if it is one, and use --new-head with a model that lacks it/,
  );
  const fresh = await finetag([
    "train",
    "--model",
    model,
    "--train",
    more,
    "--new-head",
    "--output-dir",
    join(folder, "new"),
    ...quick,
  ]);
  expect(fresh.stdout).toContain("4 labels");
});
