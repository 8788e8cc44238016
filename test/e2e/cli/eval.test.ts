import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { finetag } from "../program.ts";
import { lines, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

describe("eval", () => {
  test("gives the table on stdout and the figures of metrics.json in a file", async () => {
    const output = join(trained.folder, "eval.json");
    // Threads as in training: sums in another order differ in the last bits.
    const args = ["eval", "--model", trained.model, "--data", join(trained.folder, "test.csv")];
    const same = ["--threads", "1"];
    const { code, stdout } = await finetag([...args, ...same, "--output", output]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^metric +\S*test\.csv$/m);
    const { test: expected } = JSON.parse(await readFile(join(trained.model, "metrics.json"), "utf8"));
    expect(JSON.parse(await readFile(output, "utf8"))).toEqual(expected);
    const json = await finetag([...args, ...same, "--json"]);
    expect(JSON.parse(json.stdout)).toEqual(expected);
  });

  test("--precision int8 also shows the difference from float32", async () => {
    const output = join(trained.folder, "int8.json");
    const args = [
      "eval",
      "--model",
      trained.model,
      "--data",
      join(trained.folder, "test.csv"),
      "--threads",
      "1",
    ];
    const { code, stdout, stderr } = await finetag([...args, "--precision", "int8", "--output", output]);
    expect({ code, told: lines(stderr).length }).toEqual({ code: 0, told: 2 }); // the plan, and nothing else
    expect(stdout).toMatch(/^int8 compared with float32\nmetric +float32 +int8 +difference$/m);
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
    const data = join(trained.folder, "unlabelled.csv");
    await writeFile(data, "id,text\n1,so happy\n");
    const output = join(trained.folder, "never.json");
    const { code, stderr } = await finetag([
      "eval",
      "--model",
      trained.model,
      "--data",
      data,
      "--output",
      output,
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^finetag: .*unlabelled\.csv:1: /);
    await expect(readFile(output)).rejects.toThrow("ENOENT");
  });
});
