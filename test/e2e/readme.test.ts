import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { FINETAG } from "./program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
const LABELS = ["billing", "bug", "delivery"];

let folder: string;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-readme-"));
  base = await writeTinyModel(join(folder, "base"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder that has what finetag's has for the page's commands. */
async function place(): Promise<string> {
  const here = await mkdtemp(join(folder, "readme-"));
  await mkdir(join(here, "examples"));
  await cp(join(ROOT, "examples", "tickets.csv"), join(here, "examples", "tickets.csv"));
  return here;
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

/** The blocks of code of a page, each with its language. */
async function blocks(page: string): Promise<{ language: string; code: string }[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, code]) => ({
    language: language!,
    code: code!,
  }));
}

/** The first block in this language that contains a text. */
async function block(language: string, containing: string): Promise<string> {
  const found = (await blocks("README.md")).find(
    (one) => one.language === language && one.code.includes(containing),
  );
  expect(found, `a block of ${language} with ${containing}`).toBeDefined();
  return found!.code;
}

describe("README.md", { timeout: 180_000 }, () => {
  test("shows commands that work as they are written", async () => {
    const commands = await block("sh", "npx finetag train");
    expect(commands).toContain("npx finetag eval");
    const script = commands
      .replaceAll("npx finetag", `"${process.execPath}" "${FINETAG}"`)
      // Weights of the same form that need no network.
      .replace("--model all-MiniLM-L6-v2", `--model "${base}"`);
    const { stdout, stderr, status } = spawnSync("bash", ["-e", "-c", script], {
      cwd: await place(),
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    // How the data is read, and that the tiny model's vocabulary does not fit it.
    for (const line of lines(stderr)) {
      expect(line).toMatch(
        /^finetag: (examples\/tickets\.csv: csv, utf-8$|text from "text"; |warning: .* \(\[UNK\]\))/,
      );
    }
    const predictions = lines(stdout)
      .slice(-2)
      .map((line) => JSON.parse(line));
    expect(predictions.map(({ probabilities }) => Object.keys(probabilities))).toEqual([LABELS, LABELS]);

    const [shown, real] = [JSON.parse(await block("json", "probabilities")), predictions[1]];
    expect(Object.keys(shown)).toEqual(Object.keys(real));
    expect([shown.text, Object.keys(shown.probabilities)]).toEqual([real.text, LABELS]);
  });

  test("shows a program that works in a project that links the packages", async () => {
    const project = await place();
    const program = (await block("ts", "@finetag/api")).replace('"all-MiniLM-L6-v2"', JSON.stringify(base));
    await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await writeFile(join(project, "program.ts"), program);
    await writeFile(
      join(project, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          ...{ module: "nodenext", target: "es2023", lib: ["es2023", "esnext.disposable", "dom"] },
          ...{ strict: true, skipLibCheck: true, types: [] },
        },
      }),
    );
    const run = (command: string, args: string[]) => {
      const { stdout, stderr, status } = spawnSync(command, args, { cwd: project, encoding: "utf8" });
      expect({ status, stderr }, stdout).toMatchObject({ status: 0 });
      return stdout;
    };
    const install = (await block("sh", "npm install")).replaceAll("/path/to/finetag/", ROOT).trim();
    run("bash", ["-e", "-c", `${install} --offline --no-audit --no-fund`]);
    run(process.execPath, [TSC]);
    expect(run(process.execPath, ["program.js"])).toMatch(/step 80: loss [\d.]+\n[\s\S]*delivery: 0\.\d+/);
    expect(run("npx", ["--no-install", "finetag", "--version"])).toMatch(/^\d+\.\d+\.\d+/);
  });
});

test("README.zh-CN.md shows the same code, but for its comments", async () => {
  const withoutComments = (all: { code: string }[]) =>
    all.map((one) => ({ ...one, code: one.code.replace(/ +# .*$/gm, "") }));
  expect(withoutComments(await blocks("README.zh-CN.md"))).toEqual(
    withoutComments(await blocks("README.md")),
  );
});
