import { spawnSync } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FINETAG, finetag } from "./program.ts";

describe("help and usage", () => {
  test.each(["train", "eval", "predict", "pull", "push", "inspect", "convert", "setup", "doctor"])(
    "%s --help has examples",
    async (name) => {
      const { code, stdout, stderr } = await finetag([name, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("Examples:");
      expect(stdout).toContain(`finetag ${name}`);
    },
  );

  test.each([
    ["train", "The directory given as --model"],
    ["inspect", "DIR"],
    ["convert", "SRC"],
  ])("%s --help names the formats of a model", async (name, where) => {
    const { stdout } = await finetag([name, "--help"]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      `${where} may contain safetensors, PyTorch weights (.bin, .pt, .pth or .ckpt, old or new), or a TensorFlow 1 or 2 ` +
        "checkpoint, along with config.json or bert_config.json and the tokenizer's files.",
    );
  });

  test("train --help shows groups, bounds and defaults", async () => {
    const { stdout } = await finetag(["train", "--help"]);
    for (const heading of ["Model:", "Data:", "Training:", "Run:"]) expect(stdout).toContain(heading);
    for (const text of [
      "--label-separator",
      "[default: 5e-5]",
      '[choices: "linear", "cosine", "constant"]',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test("a command's start loads no library that few models need", async () => {
    const report = `import { createRequire } from "node:module";
      process.on("exit", () => process.stderr.write(Object.keys(createRequire("/").cache).join("\\n")));`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(report)}` };
    const { stderr } = await finetag(["inspect", "--help"], { env });
    const loaded = stderr.split("\n").map((path) => path.split(/node_modules[\\/]/).at(-1));
    expect(loaded.join()).toContain("picocolors");
    for (const name of ["protobufjs", "yauzl", "crc32", "snappy", "cli-table3", "cli-progress"])
      expect(loaded.join()).not.toContain(name);
  });

  test("without a command there is help, and exit code 2", async () => {
    const { code, stdout, stderr } = await finetag([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("finetag predict [TEXT..]");
  });

  test.skipIf(process.platform !== "linux")("a working directory that was removed is said so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "finetag-gone-"));
    const run = `cd "$1" && rmdir "$1" && exec "$2" "$3" inspect model`;
    const { status, stderr } = spawnSync("sh", ["-c", run, "sh", folder, process.execPath, FINETAG], {
      encoding: "utf8",
    });
    expect(stderr).toBe("finetag: the working directory no longer exists; change to another folder\n");
    expect(status).toBe(2);
  });

  const data = ["--model", "m", "--train", "t.csv", "--output-dir", "o"];
  test.each<[string[], string]>([
    [["trian"], "unknown command trian; did you mean train?"],
    [
      ["fly"],
      "unknown command fly; the commands are train, eval, predict, data, pull, push, inspect, convert, setup, doctor",
    ],
    [["train", "--epoch", "3"], "unknown option --epoch; did you mean --epochs?"],
    [["train", "--max_seq_length", "3"], "unknown option --max_seq_length; did you mean --max-length?"],
    [["train", "--no-headers"], "unknown option --no-headers; did you mean --no-header?"],
    [["train", "-x"], "unknown option -x; see --help"],
    [["train", ...data, "--epochs", "abc"], "--epochs abc: must be a number greater than 0"],
    [["train", ...data, "--max-length", "1.5"], "--max-length 1.5: must be a whole number of at least 3"],
    [
      ["train", ...data, "--learning-rate", "-1e-5"],
      "--learning-rate -1e-5: must be a number greater than 0",
    ],
    [
      ["train", ...data, "--format", "xml"],
      "--format xml: must be one of csv, tsv, jsonl, json, fasttext, libmultilabel, parquet, xlsx, arrow",
    ],
    [["train", ...data, "--precision", "int8"], "--precision int8: must be one of float32, bf16"],
    [["train", ...data, "--device", "gpu"], "--device gpu: must be auto, cpu, cuda or cuda:N"],
    [["train", ...data, "--resume=yes"], "--resume=yes: must be true or false"],
    [["train", ...data, "--seed", "1", "--seed", "2"], "--seed is given 2 times; give it once"],
    [["train", ...data, "--resume", "--resume"], "--resume is given 2 times; give it once"],
    [["train", ...data, "more"], 'unexpected argument "more"; see finetag train --help'],
    [["train", "--epochs"], "--epochs needs a value; if the value starts with a dash, write --epochs=VALUE"],
    [["train", "--output-dir", "o"], "--model is missing: Model directory, catalogue name or Hub id"],
    [
      ["predict", "--model", "m", "--input", "f", "text"],
      "both texts and --input are given; give one of them",
    ],
    [["inspect"], "DIR is missing: finetag inspect DIR"],
    [["convert"], "SRC and DST are missing: finetag convert SRC DST"],
    [["convert", "a"], "DST is missing: finetag convert SRC DST"],
    [["convert", "a", "b", "c"], 'unexpected argument "c"; see finetag convert --help'],
  ])("%j is refused in one line", async (args, message) => {
    expect(await finetag(args)).toEqual({ code: 2, stdout: "", stderr: `finetag: ${message}\n` });
  });

  test("FINETAG_DEBUG shows where an error comes from", async () => {
    const { code, stderr } = await finetag(["train", "--epochs"], { env: { FINETAG_DEBUG: "1" } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/\n {4}at /);
  });
});
