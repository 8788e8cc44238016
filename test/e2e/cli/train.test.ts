import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  LABELS,
  tinyRows,
  writeTinyCsv,
  writeTinyModel,
} from "../../../packages/ts-api/test/training/tiny.ts";
import { FINETAG, finetag } from "../program.ts";
import { hasScript, lines, QUICK, trainArgs, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

const files = async (path: string) => (await readdir(path)).sort();

describe("train", () => {
  test("writes the model, checkpoints, figures and TensorBoard events", async () => {
    expect(await files(trained.model)).toEqual(
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
    expect(trained.output).not.toContain("\u001b");
    expect(trained.output).toMatch(/^read train: 160 rows$/m);
    expect(trained.output).toMatch(
      /^step 10\/120 {2}epoch 1\.00 {2}loss 0\.\d+ {2}lr \S+ {2}\S+ texts\/s {2}\S+ left$/m,
    );
    expect(trained.output).toMatch(/^dev after step 120 \(epoch 12\.00\): loss 0\.\d+ {2}micro_f1 /m);
    expect(trained.output).toMatch(/^checkpoint after step 120: /m);
    expect(trained.output).toMatch(/^metric +dev +test$/m);
    expect(trained.output).toMatch(/^label +support +precision +recall +f1 +roc_auc/m);
    // What is counted is said: texts by the time of the training steps are the rate.
    const end =
      /^120 steps in (\d\S*) s, (\S+) s of it for (\S+) texts \((\S+) texts\/s, .* evaluating and saving; /m;
    const [total, seconds, texts, rate] = end
      .exec(trained.output)!
      .slice(1)
      .map((part) => Number(part.replace(",", "")));
    expect(texts).toBe(1920);
    expect(Math.abs(texts! / rate! - seconds!)).toBeLessThan(0.06); // as many digits as are printed
    expect(total!).toBeGreaterThanOrEqual(seconds!);
    for (const label of LABELS) expect(trained.output).toMatch(new RegExp(`^${label} +\\d+ `, "m"));
  });

  test("--json writes events on stdout and nothing else there", async () => {
    const out = join(trained.folder, "json");
    const args = trainArgs(trained, out, "--json", ...QUICK);
    const { code, stdout } = await finetag(args);
    expect(code).toBe(0);
    const events = lines(stdout).map((line) => JSON.parse(line));
    expect(events.filter(({ type }) => type === "step")).toHaveLength(40);
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set([
        "data",
        "loading",
        "start",
        "step",
        "evaluating",
        "evaluation",
        "warning",
        "checkpoint",
        "end",
      ]),
    );
    const { metrics } = events.at(-1);
    expect(metrics).toEqual(JSON.parse(await readFile(join(out, "metrics.json"), "utf8")));
  });

  test("--config gives options, and the command line wins", async () => {
    const config = join(trained.folder, "run.yaml");
    await writeFile(
      config,
      `model: ${trained.base}\ndata-dir: ${trained.folder}\noutputDir: ${join(trained.folder, "c")}\nbatch-size: 16\nmaxSteps: 9\nthreads: 1\n`,
    );
    const { code, stdout } = await finetag(["train", "--config", config, "--max-steps", "3", "--json"]);
    expect(code).toBe(0);
    expect(
      lines(stdout)
        .map((line) => JSON.parse(line))
        .at(-1),
    ).toMatchObject({ type: "end", step: 3 });
    await writeFile(config, `model: ${trained.base}\nepochs: many\n`);
    expect(await finetag(["train", "--config", config])).toEqual({
      code: 2,
      stdout: "",
      stderr: `finetag: ${config}:2: epochs: "many" must be a number greater than 0\n`,
    });
  });

  test("bad data is one line with file and row, exit code 2, and nothing is written", async () => {
    const bad = join(trained.folder, "bad.csv");
    const rows = Array.from({ length: 20 }, (_, i) => `${i + 3},so happy,${i % 2}\n`);
    await writeFile(bad, `id,text,joy\n1,so happy,1\n2,so so,maybe\n${rows.join("")}`);
    const out = join(trained.folder, "bad-out");
    const { code, stdout, stderr } = await finetag([
      "train",
      "--model",
      trained.base,
      "--train",
      bad,
      "--output-dir",
      out,
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(lines(stderr).at(-1)).toMatch(/^finetag: .*bad\.csv:3: .*joy/);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test("what the API says about options is said in flags", async () => {
    const { folder, base } = trained;
    const out = join(folder, "refused");
    const refusal = async (...args: string[]) => {
      const { code, stderr } = await finetag(["train", "--model", base, "--output-dir", out, ...args]);
      expect(code).toBe(2);
      return lines(stderr).at(-1);
    };
    const [train, dev] = [join(folder, "train.csv"), join(folder, "dev.csv")];
    expect(await refusal()).toBe(
      "finetag: there is no training data; give a file (--train) or a folder (--data-dir)",
    );
    expect(await refusal("--train", train, "--dev", dev, "--dev-split", "0.1")).toBe(
      `finetag: both --dev-split and the dev file ${dev} are given; give one of them`,
    );
    expect(await refusal("--train", train, "--max-length", "99")).toBe(
      `finetag: --max-length 99 is more than the 64 positions of ${base}; use at most 64`,
    );
    const quoted = join(folder, "quoted.csv");
    await writeFile(quoted, "words,`devSplit`\na,0\nb,1\n");
    expect(await refusal("--train", quoted)).toBe(
      `finetag: ${quoted}:1: cannot tell which column holds the text; name it (for example --text-column words); ` +
        'the file has "words", "`devSplit`"',
    );
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s writes a checkpoint and exits with %d", async (signal, code) => {
    const out = join(trained.folder, `stopped-${signal}`);
    const args = trainArgs(trained, out, "--log-every", "1");
    let sent = false;
    const run = await finetag([...args, "--epochs", "200", "--threads", "1"], {
      watch: (stdout, child) => {
        if (!sent && stdout.includes("step 5/")) sent = child.kill(signal);
      },
    });
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(
      "finishing this step and writing a checkpoint; press Ctrl-C again to quit at once",
    );
    expect(run.stdout).toMatch(/checkpoint after step \d+/);
    expect(await readdir(join(out, "checkpoints"))).toHaveLength(1);
  });

  test("a second Ctrl-C leaves at once", async () => {
    // One step over all rows: it takes seconds, so the second signal comes before its end.
    const slow = await writeTinyModel(join(trained.folder, "slow"), {
      hidden_size: 256,
      intermediate_size: 1024,
      num_hidden_layers: 4,
    });
    const train = await writeTinyCsv(join(trained.folder, "slow.csv"), tinyRows(1280, 4));
    const out = join(trained.folder, "left");
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
    const out = join(trained.folder, "piped");
    const args = trainArgs(trained, out, "--epochs", "200", "--json");
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

  test.skipIf(!hasScript)("a terminal sees a bar while training", { timeout: 60_000 }, async () => {
    const args = trainArgs(trained, join(trained.folder, "bar"), ...QUICK);
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
