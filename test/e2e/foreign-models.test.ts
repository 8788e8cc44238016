/** Models and texts as people bring them: what is said at opening, and the flags that messages name. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "./program.ts";

let folder: string;
let model: string;
let train: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-foreign-"));
  const base = await writeTinyModel(join(folder, "base"));
  train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(32, 1));
  model = join(folder, "trained-model");
  const options = ["--epochs", "1", "--threads", "1", "--device", "cpu"];
  const run = await finetag(["train", "--model", base, "--train", train, "--output-dir", model, ...options]);
  expect(run).toMatchObject({ code: 0 });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function withConfig(name: string, change: Record<string, unknown>): Promise<string> {
  const directory = join(folder, name);
  await cp(model, directory, { recursive: true });
  const path = join(directory, "config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
  return directory;
}

describe("a model that was trained with softmax", { timeout: 60_000 }, () => {
  it("predicts and is evaluated only with the flag that the message names", async () => {
    const softmax = await withConfig("softmax", { problem_type: "single_label_classification" });
    const commands = [
      ["predict", "--model", softmax, "we had a happy day"],
      ["eval", "--model", softmax, "--data", train],
    ];
    for (const command of commands) {
      const refused = await finetag(command);
      expect(refused.code).not.toBe(0);
      expect(refused.stdout).toBe("");
      expect(refused.stderr).toContain('problem_type "single_label_classification"');
      const [flag] = /--multi-label/.exec(refused.stderr)!;
      expect(refused.stderr).not.toContain("multiLabel");
      const { code, stderr } = await finetag([command[0]!, flag!, ...command.slice(1)]);
      expect(code).toBe(0);
      expect(stderr).toContain("each label gets a probability of its own (sigmoid) all the same");
    }
    const { stdout } = await finetag(["inspect", softmax]);
    expect(stdout).toMatch(
      /trained for +one label for each text \(softmax\); predict and eval need --multi-label/,
    );
    expect((await finetag(["inspect", model])).stdout).toMatch(
      /trained for +any number of labels for each text/,
    );
  });
});

describe("a typo in a model's path", { timeout: 60_000 }, () => {
  it.each(["traned-model", "./traned-model"])("%s is said before anything about the Hub", async (name) => {
    for (const command of [
      ["predict", "a day"],
      ["eval", "--data", train],
    ]) {
      const env = { HF_ENDPOINT: "http://127.0.0.1:9", HF_HUB_CACHE: join(folder, "hub") };
      const { code, stderr } = await finetag([...command, "--model", name], { cwd: folder, env });
      expect(code).not.toBe(0);
      expect(stderr).toMatch(
        /^finetag: (\.\/)?traned-model: there is no such folder; did you mean "trained-model"\?/,
      );
    }
  });
});

describe("texts in a language that the model does not know", { timeout: 60_000 }, () => {
  const rows = Array.from(
    { length: 12 },
    (_, i) => `${i},我喜欢自然语言处理,${LABELS.map((_, k) => (i + k) % 2).join(",")}`,
  );

  it("are told once, with the models to take", async () => {
    const path = join(folder, "chinese.csv");
    await writeFile(path, `id,text,${LABELS.join(",")}\n${rows.join("\n")}\n`);
    const commands = [
      ["predict", "--model", model, "--input", path],
      ["eval", "--model", model, "--data", path],
      [
        "train",
        "--model",
        model,
        "--train",
        path,
        "--epochs",
        "1",
        "--output-dir",
        join(folder, "chinese-model"),
      ],
    ];
    for (const command of commands) {
      const { code, stdout, stderr } = await finetag([...command, "--threads", "1"]);
      expect(code).toBe(0);
      const said = `${stdout}\n${stderr}`
        .split("\n")
        .filter((line) => line.includes("unknown to the tokenizer"));
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/100 % of the tokens .*\[UNK\].*bert-base-chinese for Chinese/);
    }
  });

  it("and others are not", async () => {
    const { stderr } = await finetag(["predict", "--model", model, "--input", train, "--threads", "1"]);
    expect(stderr).toContain('text from "text"');
    expect(stderr).not.toContain("warning");
  });
});
