import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { FINETAG, finetag } from "./program.ts";

let folder: string;
let base: string;
let model: string;
let trainOutput: string;

/** Options of a run that takes seconds. */
const QUICK = ["--epochs", "4", "--batch-size", "16", "--learning-rate", "3e-3", "--threads", "1"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-cli-"));
  base = await writeTinyModel(join(folder, "base"));
  await writeTinyCsv(join(folder, "train.csv"), tinyRows(160, 1));
  await writeTinyCsv(join(folder, "dev.csv"), tinyRows(40, 2));
  await writeTinyCsv(join(folder, "test.csv"), tinyRows(40, 3));
  await writeFile(join(folder, "classes.txt"), LABELS.join("\n"));
  model = join(folder, "out");
  const run = await finetag([
    "train",
    "--model",
    base,
    "--data-dir",
    folder,
    "--output-dir",
    model,
    ...QUICK.with(1, "12"),
    // Ten steps an epoch learn little; what there is should not hang on the luck of a seed.
    ...["--dropout", "0", "--no-group-by-length"],
  ]);
  expect(run).toMatchObject({ code: 0 });
  trainOutput = run.stdout;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const files = async (path: string) => (await readdir(path)).sort();

describe("train", () => {
  test("writes the model, checkpoints, figures and TensorBoard events", async () => {
    expect(await files(model)).toEqual(
      expect.arrayContaining([
        "checkpoints",
        "config.json",
        "finetag.json",
        "metrics.json",
        "model.safetensors",
        "runs",
      ]),
    );
  });

  test("tells in plain lines what happens, and ends in tables", () => {
    expect(trainOutput).not.toContain("\u001b");
    expect(trainOutput).toMatch(/^read train: 160 rows$/m);
    expect(trainOutput).toMatch(
      /^step 10\/120 {2}epoch 1\.00 {2}loss 0\.\d+ {2}lr \S+ {2}\S+ texts\/s {2}\S+ left$/m,
    );
    expect(trainOutput).toMatch(/^dev after step 120 \(epoch 12\.00\): loss 0\.\d+ {2}micro_f1 /m);
    expect(trainOutput).toMatch(/^checkpoint after step 120: /m);
    expect(trainOutput).toMatch(/^metric +dev +test$/m);
    expect(trainOutput).toMatch(/^label +support +precision +recall +f1 +roc_auc/m);
    for (const label of LABELS) expect(trainOutput).toMatch(new RegExp(`^${label} +\\d+ `, "m"));
  });

  test("--json writes events on stdout and nothing else there", async () => {
    const out = join(folder, "json");
    const args = ["train", "--model", base, "--data-dir", folder, "--output-dir", out, "--json", ...QUICK];
    const { code, stdout } = await finetag(args);
    expect(code).toBe(0);
    const events = lines(stdout).map((line) => JSON.parse(line));
    expect(events.filter(({ type }) => type === "step")).toHaveLength(40);
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(["loading", "start", "step", "evaluating", "evaluation", "checkpoint", "end"]),
    );
    const { metrics } = events.at(-1);
    expect(metrics).toEqual(JSON.parse(await readFile(join(out, "metrics.json"), "utf8")));
  });

  test("--config gives options, and the command line wins", async () => {
    const config = join(folder, "run.yaml");
    await writeFile(
      config,
      `model: ${base}\ndata-dir: ${folder}\noutputDir: ${join(folder, "c")}\nbatch-size: 16\nmaxSteps: 9\nthreads: 1\n`,
    );
    const { code, stdout } = await finetag(["train", "--config", config, "--max-steps", "3", "--json"]);
    expect(code).toBe(0);
    expect(
      lines(stdout)
        .map((line) => JSON.parse(line))
        .at(-1),
    ).toMatchObject({ type: "end", step: 3 });
    await writeFile(config, `model: ${base}\nepochs: many\n`);
    expect(await finetag(["train", "--config", config])).toEqual({
      code: 2,
      stdout: "",
      stderr: `finetag: ${config}:2: epochs: "many" must be a number greater than 0\n`,
    });
  });

  test("bad data is one line with file and row, exit code 2, and nothing is written", async () => {
    const bad = join(folder, "bad.csv");
    await writeFile(bad, "id,text,joy\n1,so happy,1\n2,so so,maybe\n");
    const out = join(folder, "bad-out");
    const { code, stdout, stderr } = await finetag([
      "train",
      "--model",
      base,
      "--train",
      bad,
      "--output-dir",
      out,
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(lines(stderr).at(-1)).toMatch(/^finetag: .*bad\.csv:3: .*joy/);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s writes a checkpoint and exits with %d", async (signal, code) => {
    const out = join(folder, `stopped-${signal}`);
    const args = ["train", "--model", base, "--data-dir", folder, "--output-dir", out, "--log-every", "1"];
    let sent = false;
    const run = await finetag([...args, "--epochs", "200", "--threads", "1"], {
      watch: (stdout, child) => {
        if (!sent && stdout.includes("step 5/")) sent = child.kill(signal);
      },
    });
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(
      "finishing this step, writing a checkpoint; press Ctrl-C again to leave at once",
    );
    expect(run.stdout).toMatch(/checkpoint after step \d+/);
    expect(await readdir(join(out, "checkpoints"))).toHaveLength(1);
  });

  test("a second Ctrl-C leaves at once", async () => {
    // One step over all rows: it takes seconds, so the second signal comes before its end.
    const slow = await writeTinyModel(join(folder, "slow"), {
      hidden_size: 256,
      intermediate_size: 1024,
      num_hidden_layers: 4,
    });
    const train = await writeTinyCsv(join(folder, "slow.csv"), tinyRows(1280, 4));
    const out = join(folder, "left");
    const args = ["train", "--model", slow, "--train", train, "--output-dir", out, "--log-every", "1"];
    const slowly = [
      "--save-every",
      "1000",
      "--threads",
      "1",
      "--batch-size",
      "64",
      "--gradient-accumulation",
      "20",
    ];
    let sent = false;
    const run = await finetag([...args, ...slowly], {
      watch: (stdout, child) => {
        if (sent || !stdout.includes("step 1/")) return;
        sent = true;
        setTimeout(() => child.kill("SIGINT"), 300);
        setTimeout(() => child.kill("SIGINT"), 700);
      },
    });
    expect(run).toMatchObject({ code: 130 });
    expect(run.stdout).not.toContain("checkpoint after");
  });

  test("a reader that goes away ends the run quietly, with a checkpoint", async () => {
    const out = join(folder, "piped");
    const args = [
      "train",
      "--model",
      base,
      "--data-dir",
      folder,
      "--output-dir",
      out,
      "--epochs",
      "200",
      "--json",
    ];
    const child = spawn(process.execPath, [FINETAG, ...args, "--threads", "1"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.stdout.on("data", (data) => {
      if (String(data).includes('"step"')) child.stdout.destroy();
    });
    const [code] = await once(child, "close");
    expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
    expect(await readdir(join(out, "checkpoints"))).toHaveLength(1);
  });
});

describe("eval", () => {
  test("gives the table on stdout and the figures of metrics.json in a file", async () => {
    const output = join(folder, "eval.json");
    // Threads as in training: sums in another order differ in the last bits.
    const args = ["eval", "--model", model, "--data", join(folder, "test.csv")];
    const same = ["--threads", "1"];
    const { code, stdout } = await finetag([...args, ...same, "--output", output]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^metric +\S*test\.csv$/m);
    const { test: expected } = JSON.parse(await readFile(join(model, "metrics.json"), "utf8"));
    expect(JSON.parse(await readFile(output, "utf8"))).toEqual(expected);
    const json = await finetag([...args, ...same, "--json"]);
    expect(JSON.parse(json.stdout)).toEqual(expected);
  });

  test("--precision int8 tells beside its figures what it costs", async () => {
    const output = join(folder, "int8.json");
    const args = ["eval", "--model", model, "--data", join(folder, "test.csv"), "--threads", "1"];
    const { code, stdout, stderr } = await finetag([...args, "--precision", "int8", "--output", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^what int8 costs\nmetric +float32 +int8 +difference$/m);
    const figures = JSON.parse(await readFile(output, "utf8"));
    const float32 = JSON.parse((await finetag([...args, "--json"])).stdout);
    expect(float32.int8_cost).toBeUndefined();
    expect(figures.loss).not.toBe(float32.loss);
    for (const key of ["roc_auc_macro", "roc_auc_micro", "macro_f1", "micro_f1"]) {
      const cost = figures.int8_cost[key];
      expect(cost).toEqual({
        float32: float32[key],
        int8: figures[key],
        difference: figures[key] - float32[key],
      });
      expect(stdout).toMatch(
        new RegExp(`^${key} +${cost.float32.toFixed(4)} +${cost.int8.toFixed(4)} +[+-]?0\\.\\d{5}$`, "m"),
      );
    }
  });

  test("a file without the model's labels is refused and nothing is written", async () => {
    const data = join(folder, "unlabelled.csv");
    await writeFile(data, "id,text\n1,so happy\n");
    const output = join(folder, "never.json");
    const { code, stderr } = await finetag(["eval", "--model", model, "--data", data, "--output", output]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^finetag: .*unlabelled\.csv:1: /);
    await expect(readFile(output)).rejects.toThrow("ENOENT");
  });
});

describe("predict", () => {
  const predict = (args: string[], input?: string) =>
    finetag(["predict", "--model", model, "--threads", "1", ...args], { input });

  test("texts of the command line", async () => {
    const { code, stdout, stderr } = await predict(["we had a happy day", "12", "--", "--mad"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = lines(stdout).map((line) => JSON.parse(line));
    expect(rows.map(({ text }) => text)).toEqual(["we had a happy day", "12", "--mad"]);
    expect(rows[0].labels).toEqual(["joy"]);
    expect(Object.keys(rows[0])).toEqual(["text", "labels", "probabilities"]);
    expect(Object.keys(rows[0].probabilities)).toEqual(LABELS);
  });

  test("--precision int8 labels as float32 does where labels are clear", async () => {
    const texts = ["we had a happy day", "so mad", "the dread"];
    const { code, stdout, stderr } = await predict(["--precision", "int8", ...texts]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [exact, near] = [(await predict(texts)).stdout, stdout].map((text) =>
      lines(text).map((line) => JSON.parse(line)),
    );
    expect(near!.map(({ labels }) => labels)).toEqual(exact!.map(({ labels }) => labels));
    expect(near).not.toEqual(exact);
  });

  test("stdin is one text a line", async () => {
    const { stdout } = await predict([], "so mad\r\n\nhappy");
    expect(lines(stdout).map((line) => JSON.parse(line).text)).toEqual(["so mad", "", "happy"]);
    const empty = await predict([]);
    expect(empty).toEqual({ code: 0, stdout: "", stderr: "finetag: warning: there was no text to label\n" });
  });

  test("a line comes out before the next one goes in", { timeout: 30_000 }, async () => {
    const child = spawn(process.execPath, [FINETAG, "predict", "--model", model], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    for (const text of ["so happy", "so mad"]) {
      child.stdin.write(`${text}\n`);
      const [line] = await once(child.stdout, "data");
      expect(JSON.parse(String(line)).text).toBe(text);
    }
    child.stdin.end();
    expect((await once(child, "close"))[0]).toBe(0);
  });

  test("files in JSON lines, CSV and the TensorFlow 1 tool's format say the same", async () => {
    const input = join(folder, "test.csv");
    const outputs = ["p.jsonl", "p.csv", "test_results.tsv"].map((name) => join(folder, name));
    for (const output of outputs) {
      expect(await predict(["--input", input, "--output", output])).toEqual({
        code: 0,
        stdout: "",
        stderr: "",
      });
    }
    const [jsonl, csv, tsv] = await Promise.all(
      outputs.map(async (path) => lines(await readFile(path, "utf8"))),
    );
    const rows = jsonl!.map((line) => JSON.parse(line));
    expect(rows).toHaveLength(40);
    expect(csv![0]).toBe(`id,text,${LABELS.join(",")}`);
    for (const [i, { id, text, probabilities }] of rows.entries()) {
      const exact = LABELS.map((label) => probabilities[label] as number);
      expect(csv![i + 1]).toBe([id, text, ...exact].join(","));
      const [first, ...single] = tsv![i]!.split(",");
      expect(first).toBe(id);
      expect(single.map(Number).map(Math.fround)).toEqual(exact.map(Math.fround));
    }
    expect((await predict(["--input", input])).stdout).toBe(`${jsonl!.join("\n")}\n`);
    expect((await predict(["--input", input, "--output-format", "csv"])).stdout).toBe(`${csv!.join("\n")}\n`);
  });

  test("columns are those of the training file by name, or those that are named", async () => {
    const input = join(folder, "other.csv");
    await writeFile(input, "words,text\nso mad,so happy\n");
    const asTrained = await predict(["--input", input]);
    expect(JSON.parse(asTrained.stdout).text).toBe("so happy");
    const named = await predict(["--input", input, "--text-column", "words"]);
    expect(JSON.parse(named.stdout).text).toBe("so mad");
  });

  test("--threshold decides which labels are given", async () => {
    const [all, none] = await Promise.all([
      predict(["--threshold", "1e-9", "x"]),
      predict(["--threshold", "0.999999", "x"]),
    ]);
    expect(JSON.parse(all.stdout).labels).toEqual(LABELS);
    expect(JSON.parse(none.stdout).labels).toEqual([]);
  });

  test("a bad row leaves the older output as it was", async () => {
    const input = join(folder, "ragged.csv");
    const output = join(folder, "kept", "labels.jsonl");
    await mkdir(join(folder, "kept"));
    await writeFile(input, "id,text\n1,a\n2,b,c,d\n");
    await writeFile(output, "older\n");
    const { code, stderr } = await predict(["--input", input, "--output", output]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^finetag: .*ragged\.csv:3: /);
    expect(await readFile(output, "utf8")).toBe("older\n");
    expect(await readdir(join(folder, "kept"))).toEqual(["labels.jsonl"]);
  });

  test("empty texts are kept and counted", async () => {
    const input = join(folder, "empty.csv");
    await writeFile(input, "id,text\n1,\n2,so mad\n");
    const { code, stdout, stderr } = await predict(["--input", input]);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(2);
    expect(stderr).toBe(`finetag: warning: ${input}: 1 empty text; it is kept\n`);
  });

  test("a reader that has enough ends it quietly", async () => {
    const many = join(folder, "many.txt");
    await writeFile(many, "so happy that it was a very great day\n".repeat(20_000));
    const command = `"${process.execPath}" "${FINETAG}" predict --model "${model}" --input "${many}" | head -n 1`;
    const { stdout, stderr, status } = spawnSync("bash", ["-o", "pipefail", "-c", command], {
      encoding: "utf8",
    });
    expect({ lines: lines(stdout).length, stderr, status }).toEqual({ lines: 1, stderr: "", status: 0 });
  });

  test("Ctrl-C leaves no half-written output", async () => {
    const many = join(folder, "many-more.txt");
    await writeFile(many, "so happy that it was a very great day\n".repeat(200_000));
    const place = join(folder, "half");
    await mkdir(place);
    const child = spawn(process.execPath, [
      FINETAG,
      "predict",
      "--model",
      model,
      "--input",
      many,
      "--output",
      join(place, "o.jsonl"),
    ]);
    while ((await readdir(place)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(130);
    expect(await readdir(place)).toEqual([]);
  });

  const hasScript = spawnSync("script", ["--version"]).status === 0;
  test.skipIf(!hasScript)("a terminal gets a prompt", { timeout: 30_000 }, async () => {
    const command = `"${process.execPath}" "${FINETAG}" predict --model "${model}"`;
    const child = spawn("script", ["-qec", command, "/dev/null"], { env: { ...process.env, TERM: "xterm" } });
    let screen = "";
    const asked = ["so happy", "so mad", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
      if (text.includes("text>")) child.stdin.write(`${asked.shift() ?? "exit"}\r`);
    });
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(screen).toMatch(/0\.\d{4} {2}joy/);
    expect(screen).toMatch(/0\.\d{4} {2}anger/);
  });

  test.skipIf(!hasScript)("a terminal sees a bar while training", { timeout: 60_000 }, async () => {
    const args = [
      "train",
      "--model",
      base,
      "--data-dir",
      folder,
      "--output-dir",
      join(folder, "bar"),
      ...QUICK,
    ];
    const command = [process.execPath, FINETAG, ...args].map((word) => `"${word}"`).join(" ");
    const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], {
      encoding: "utf8",
      env: { ...process.env, TERM: "xterm" },
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/█+░* step \d+\/40/);
    expect(stdout).toContain("\u001b[1mmetric");
  });
});
