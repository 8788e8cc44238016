import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

/** They write the arguments of other programs. */
const OTHER_PROGRAMS = ["hub/pip/pip-source.ts"];

/** A flag of a command line: `--new-head`, but neither `--count` before a name in camelCase nor `models--owner`. */
const FLAG = /(?<![\w-])--[a-z][a-z-]*(?!\w)/g;

/** Flags in a file's code, but for those of a whole command (`npx finetag setup --variant cuda`), which may be advised. */
function flagsIn(code: string): string[] {
  const withoutComments = code.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g, "");
  return [...withoutComments.matchAll(FLAG)]
    .filter(({ index }) => {
      const line = withoutComments.slice(withoutComments.lastIndexOf("\n", index) + 1, index);
      return !/\bfinetag [a-z]+ [^`]*$/.test(line);
    })
    .map(([flag]) => flag);
}

test("the API names options as TypeScript has them, never as flags", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => !OTHER_PROGRAMS.includes(name.replaceAll("\\", "/")));
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((name) =>
    flagsIn(readFileSync(join(SOURCES, name), "utf8")).map((flag) => `${name}: ${flag}`),
  );
  expect(found).toEqual([]);
});

test.each([
  ['throw new Error("give --new-head");', ["--new-head"]],
  ['const remedy = "the run can go on (--resume)";', ["--resume"]],
  ["const hint = `set --no-token-cache, or run \\`finetag doctor\\``;", ["--no-token-cache"]],
  ["const hint = `run \\`finetag pull x\\`, or give --offline`;", ["--offline"]],
])("finds the flags of %s", (code, flags) => {
  expect(flagsIn(code)).toEqual(flags);
});

test.each([
  "const hint = `run \\`npx finetag setup --variant cuda\\``;",
  'if (--openFiles === 0 || count-- > 0) return "models--" + owner;',
  "// what --resume does\n/** and --overwrite */",
])("finds none in %s", (code) => {
  expect(flagsIn(code)).toEqual([]);
});
