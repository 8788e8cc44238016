import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { FINETAG } from "./program.ts";

let folder: string;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-readme-"));
  base = await writeTinyModel(join(folder, "base"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

test.each(["README.md", "README.zh-CN.md"])(
  "the first five minutes of %s work as they are written",
  async (page) => {
    const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
    const [data, commands] = [...text.matchAll(/```sh\n(.*?)```/gs)].slice(1, 3).map(([, code]) => code!);
    expect(data).toContain("cat > tickets.csv");
    const place = await mkdtemp(join(folder, "readme-"));
    const script = `${data}\n${commands}`
      .replaceAll("npx finetag", `"${process.execPath}" "${FINETAG}"`)
      // Weights of the same form that need no network.
      .replace("--model all-MiniLM-L6-v2", `--model "${base}"`);
    const { stdout, stderr, status } = spawnSync("bash", ["-e", "-c", script], {
      cwd: place,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const predictions = lines(stdout)
      .slice(-2)
      .map((line) => JSON.parse(line));
    expect(predictions.map(({ probabilities }) => Object.keys(probabilities))).toEqual(
      Array(2).fill(["billing", "bug", "delivery"]),
    );
  },
);
