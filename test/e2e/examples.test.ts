import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";

const run = promisify(execFile);
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-examples-"));
  // Checks the types of all examples and leaves programs in examples/dist.
  await run(process.execPath, [TSC, "-p", EXAMPLES]);
});
afterAll(() => rm(folder, { recursive: true }));

it("quickstart trains, saves and classifies", async () => {
  const model = await writeTinyModel(join(folder, "model"));
  const saved = join(folder, "saved");
  const { stdout } = await run(process.execPath, [join(EXAMPLES, "dist", "quickstart.js"), model, saved]);
  expect(stdout).toContain("training on 16 rows, labels billing, bug, delivery");
  expect(stdout).toContain("step 80 of 80: loss ");
  expect(stdout).toMatch(/Where is my parcel\? -> .* \(billing 0\.\d\d, bug 0\.\d\d, delivery 0\.\d\d\)/);
  expect(await readdir(saved)).toContain("model.safetensors");
});

it("words shows which tokens make a word", async () => {
  const model = fileURLToPath(new URL("../parity/tokens/golden/bert-base-chinese", import.meta.url));
  const directory = join(folder, "chinese");
  await cp(model, directory, { recursive: true });
  await writeFile(join(directory, "config.json"), JSON.stringify({ model_type: "bert" }));
  const { stdout } = await run(process.execPath, [
    join(EXAMPLES, "dist", "words.js"),
    directory,
    "我们在北京",
  ]);
  const words = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\d+ is (a |of )/, ""));
  expect(words).toEqual([
    ...["special token", "word 0", "word 0", "word 1", "word 2", "word 2"],
    "special token",
  ]);
});

it("quickstart ends in one line when the model is not there", async () => {
  const missing = join(folder, "missing");
  await expect(
    run(process.execPath, [join(EXAMPLES, "dist", "quickstart.js"), missing]),
  ).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^ERR_FINETAG_\w+: .*missing.*\n$/),
  });
});
