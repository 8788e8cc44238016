import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { trainOptionsSchema } from "@finetag/api";
import { beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../src/arguments/config.ts";
import { flagsOf, validate } from "../src/arguments/index.ts";
import { commands } from "../src/commands/index.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PAGES = [
  ...["README.md", "README.zh-CN.md", "CONTRIBUTING.md"],
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
/** Options of other programs that the pages mention, those of all commands, and placeholders. */
const NOT_OURS = new Set([
  ...["--yes", "--from-scratch", "--master", "--help", "--name", "--no-name", "--no"],
  ...["--project", "--filter", "--tests"],
]);

const read = (page: string) => readFileSync(join(ROOT, page), "utf8");

describe.each(PAGES)("%s", (page) => {
  const known = new Map<string, Set<string>>();

  beforeAll(async () => {
    for (const command of commands) {
      const flags = flagsOf((await command.load()).schema);
      known.set(command.name, new Set(flags.flatMap(({ name }) => [`--${name}`, `--no-${name}`])));
    }
  });

  test("names options that exist", () => {
    const all = new Set([...known.values()].flatMap((names) => [...names]));
    const named = read(page).match(/(?<![\w-])--[a-z][a-z-]*(?![\w-])/g) ?? [];
    expect([...new Set(named)].filter((name) => !all.has(name) && !NOT_OURS.has(name))).toEqual([]);
  });

  test("shows commands with their own options", () => {
    const text = read(page).replaceAll("\\\n", " ");
    for (const [line, name] of text.matchAll(/(?:npx )?finetag ([a-z]+)[^\n`]*/g)) {
      const own = known.get(name!);
      if (own === undefined) continue;
      const used = line.match(/(?<=\s)--[a-z-]+/g) ?? [];
      expect(
        used.filter((option) => !own.has(option) && !NOT_OURS.has(option)),
        line,
      ).toEqual([]);
    }
  });

  test("links to files that exist", () => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
    const local = links.filter((target) => !/^https?:/.test(target));
    expect(local.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  test("shows the programs of examples/ as they are", () => {
    const programs = ["quickstart", "tickets", "words"].map((name) => read(`examples/${name}.ts`)).join("\n");
    for (const [, code] of read(page).matchAll(/```ts\n(.*?)```/gs)) expect(programs).toContain(code);
  });
});

test("docs/cli.md shows a config that is valid", () => {
  const [, yaml] = /```yaml\n(.*?)```/s.exec(read("docs/cli.md"))!;
  const flags = flagsOf(trainOptionsSchema);
  const options = validate(trainOptionsSchema, parseConfig("docs/cli.md", yaml!, flags), flags);
  expect(options).toMatchObject({ labelColumns: ["toxic", "obscene", "threat"], evalEvery: 500 });
});
