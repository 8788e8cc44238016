import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layerBreaches, unpinnedDependencies } from "../../scripts/check/boundaries.mjs";
import { doorBreaches } from "../../scripts/check/doors.mjs";
import { UNUSED_EXPORTS } from "../../scripts/check/exports.mjs";
import { floorBreaches } from "../../scripts/check/floors.mjs";
import { nameBreaches } from "../../scripts/check/names.mjs";
import { fullFolders, longFiles } from "../../scripts/check/sizes.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";

const API = "packages/ts-api/src";
const ENGINE = "packages/core-native/src/engine";
const RULES = [layerBreaches, doorBreaches, floorBreaches, nameBreaches, longFiles, fullFolders];

let root;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "finetag house "));
  execFileSync("git", ["init", "--quiet", root]);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function tree(files) {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

const repeat = (count, make) => Object.fromEntries(Array.from({ length: count }, (_, i) => make(i)));

describe("a tree that keeps the rules", () => {
  it("has no breach, whatever kind of import it uses", () => {
    tree({
      ".gitignore": "dist/\n",
      [`${API}/errors/index.ts`]: "export class FinetagError {}\n",
      [`${API}/io/index.ts`]: 'export { read } from "./read.ts";\nexport type { Kind } from "./read.ts";\n',
      [`${API}/io/read.ts`]:
        'import { readFile } from "node:fs";\nimport { FinetagError } from "../errors/index.ts";\n',
      [`${API}/weights/index.ts`]: 'export { open } from "./zip/index.ts";\n',
      [`${API}/weights/input.ts`]: "// import { x } from '../training/loop.ts' is only a comment\n",
      [`${API}/weights/zip/index.ts`]: 'export { open } from "./open.ts";\n',
      [`${API}/weights/zip/open.ts`]: 'import { size } from "../input.ts";\nimport "../../io/index.ts";\n',
      [`${API}/hub/resolve.ts`]:
        'const later = () => import("../weights/zip/open.ts");\nconst text = `\nimport "../training/loop.ts";\n`;\n',
      [`${API}/dist/TooLong.ts`]: "\n".repeat(500),
      "packages/ts-api/test/golden/CamelCase.ts": "\n".repeat(500),
      "packages/cli/src/commands/index.ts": 'const load = () => import("../actions/train.ts");\n',
      "packages/cli/src/actions/train.ts": 'import { define } from "../commands/index.ts";\n',
      [`${ENGINE}/core/batch.h`]: "#include <cstdint>\n",
      [`${ENGINE}/nn/encoder_layer.cpp`]: '#include "engine/core/batch.h"\n',
    });
    for (const rule of RULES) expect(rule(root), rule.name).toEqual([]);
  });
});

describe("an import that goes around a folder's index.ts", () => {
  it.each([
    ['import { read } from "../io/read.ts";', "io"],
    ['import type { Kind } from "../io/read.ts";', "io"],
    ['import {\n  read,\n  write,\n} from "../io/read.ts";', "io"],
    ['import "../io/read.ts";', "io"],
    ['export { read } from "../io/read.ts";', "io"],
    ['export type * from "../io/read.ts";', "io"],
    ['import { open } from "../io/zip/index.ts";', "io"],
    ['import { open } from "./zip/open.ts";', "zip"],
    ['import {\n  read, // don\'t; "read" `this`\n} from "../io/read.ts";', "io"],
    ['import { read /* a; "b\' */ } from /* c */ "../io/read.ts";', "io"],
    ['const apart = 1; import { read } from "../io/read.ts";', "io"],
    ['export type Kind = import("../io/read.ts").Kind;', "io"],
    ['export type Read = typeof import("../io/read.ts");', "io"],
    ['import read = require("../io/read.ts");', "io"],
  ])("%j is found", (line, entered) => {
    tree({ [`${API}/weights/open.ts`]: `import { a } from "./input.ts";\n${line}\n` });
    const name = /"([^"]*\/(?:read|open|zip\/index)\.ts)"/.exec(line)[1];
    expect(doorBreaches(root)).toEqual([
      `${API}/weights/open.ts: imports ${name}; go through the index.ts of ${entered}/`,
    ]);
  });
});

describe("a use that goes up", () => {
  it.each([
    [`${API}/io/read.ts`, 'import type { Config } from "../models/index.ts";', "models is on a higher floor"],
    [`${API}/weights/open.ts`, 'import { openData } from "../data/index.ts";', "data is on the same floor"],
    [`${API}/hub/resolve.ts`, 'await import("../training/index.ts");', "training is on a higher floor"],
    [`${API}/hub/resolve.ts`, "await import(`../training/index.ts`);", "training is on a higher floor"],
    [
      `${API}/hub/resolve.ts`,
      'await import(/* c */ "../training/index.ts");',
      "training is on a higher floor",
    ],
    [`${API}/hub/resolve.ts`, 'type T = import("../training/index.ts").T;', "training is on a higher floor"],
    [
      `${API}/io/read.ts`,
      'import {\n  a, // don\'t\n} from "../training/index.ts";',
      "training is on a higher floor",
    ],
    [`${API}/convert.ts`, 'export * from "./index.ts";', "index is on a higher floor"],
    [
      `${API}/training/data/load.ts`,
      'import { run } from "../pipeline/index.ts";',
      "pipeline is on a higher floor",
    ],
    ["packages/cli/src/output/tables.ts", 'import "../actions/index.ts";', "actions is on a higher floor"],
    ["packages/cli/src/commands/train.ts", 'import "../actions/index.ts";', "actions is on a higher floor"],
    [`${ENGINE}/ops/linear.cpp`, '#include "engine/nn/model.h"', "nn is on a higher floor"],
    [
      `${ENGINE}/ops/random/dropout.cpp`,
      '#include "engine/ops/embedding/embed.h"',
      "embedding is on a higher floor",
    ],
    [
      `${ENGINE}/kernels/simd/math.h`,
      '#include "engine/kernels/product/tile.h"',
      "product is on a higher floor",
    ],
    [`${ENGINE}/session/session.h`, '#  include "engine/train/trainer.h"', "train is on a higher floor"],
    [
      `${ENGINE}/ops/linear.cpp`,
      '/* a */ #/* b */include/* c */"engine/nn/model.h" // "d"',
      "nn is on a higher floor",
    ],
    [`${ENGINE}/ops/linear.cpp`, "#include <engine/nn/model.h>", "nn is on a higher floor"],
  ])("is found in %s", (file, line, what) => {
    tree({ [file]: `${line}\n` });
    expect(floorBreaches(root)).toEqual([
      expect.stringMatching(new RegExp(`^${file}: uses .*, but ${what}$`)),
    ]);
  });

  it("is found where it names a room that has no floor", () => {
    tree({ [`${API}/attic/index.ts`]: 'import "../io/index.ts";\n' });
    expect(floorBreaches(root)).toEqual([
      `${API}/attic: has no floor; give it one in scripts/check/floors.mjs`,
    ]);
  });
});

describe("a use of another package", () => {
  it.each([
    ["packages/core-native/lib/load.ts", 'import { train } from "@finetag/api";', "none of the workspace"],
    [`${API}/doctor.ts`, 'import { main } from "finetag";', "may import @finetag/core-native"],
    [`${API}/doctor.ts`, 'import { main } from "../../cli/src/main.ts";', "a file of another package"],
    [`${ENGINE}/core/error.cpp`, "#include <napi.h>", "the engine builds and tests without Node"],
    [`${ENGINE}/core/error.cpp`, '#include "binding/worker.h"', "the engine builds and tests without Node"],
  ])("is found in %s: %s", (file, line, what) => {
    tree({ [file]: `${line}\n` });
    expect(layerBreaches(root)).toEqual([expect.stringContaining(what)]);
  });
});

describe("a use that the rules could not follow", () => {
  it.each(["import(path)", `import(\`../training/\${path}\`)`, 'import("../training/" + path)'])(
    "is found: %s",
    (expression) => {
      tree({ [`${API}/hub/resolve.ts`]: `const load = (path: string) => ${expression};\n` });
      expect(layerBreaches(root)).toEqual([
        `${API}/hub/resolve.ts: computes the name of an import; write it as one string`,
      ]);
    },
  );

  it.each(['"../nn/model.h"', '"model.h"', '"engine/ops/../nn/model.h"', "<../nn/model.h>", "MODEL_H"])(
    "is found: #include %s",
    (operand) => {
      tree({ [`${ENGINE}/ops/linear.cpp`]: `#include ${operand}\n` });
      const name = operand.replace(/[<>"]/g, "");
      expect(layerBreaches(root)).toEqual([
        `${ENGINE}/ops/linear.cpp: includes ${name}; write the path from packages/core-native/src/, as "engine/…"`,
      ]);
    },
  );

  it("is found in a file that does not parse", () => {
    tree({ [`${API}/hub/resolve.ts`]: "import {\n" });
    expect(() => layerBreaches(root)).toThrow(`${API}/hub/resolve.ts: cannot be parsed`);
  });
});

describe("a name of the wrong kind", () => {
  it.each([
    [`${API}/io/fileNames.ts`, "the file's name is not kebab-case"],
    ["scripts/read_file.mjs", "the file's name is not kebab-case"],
    ["packages/cli/test/Output.test.ts", "the file's name is not kebab-case"],
    [`${API}/labelFiles/index.ts`, 'the folder\'s name "labelFiles" is not kebab-case'],
    [`${ENGINE}/core/core-gate.cpp`, "the file's name is not snake_case"],
    [`${ENGINE}/nn/Encoder.h`, "the file's name is not snake_case"],
    [`${ENGINE}/pre-norm/encoder.h`, 'the folder\'s name "pre-norm" is not snake_case'],
  ])("is found: %s", (file, what) => {
    tree({ [file]: "\n" });
    expect(nameBreaches(root)).toEqual([`${file}: ${what}`]);
  });
});

describe("sizes", () => {
  it("of files: 400 lines are allowed, 401 are found, in sources and tests", () => {
    tree({
      [`${API}/io/just.ts`]: "\n".repeat(400),
      [`${API}/io/long.ts`]: "\n".repeat(401),
      "packages/core-native/test/cpp/long_test.cpp": "\n".repeat(450),
      "pnpm-lock.yaml": "\n".repeat(9000),
    });
    expect(longFiles(root)).toEqual([
      "packages/core-native/test/cpp/long_test.cpp: has 450 lines; split it, 400 is the most",
      `${API}/io/long.ts: has 401 lines; split it, 400 is the most`,
    ]);
  });

  it("of folders: a header and its source are one file, and an index.ts and subfolders do not count", () => {
    tree({
      ...repeat(15, (i) => [`${API}/io/part${i}.ts`, ""]),
      [`${API}/io/index.ts`]: "",
      ...repeat(15, (i) => [`${API}/io/zip/part${i}.ts`, ""]),
      ...repeat(15, (i) => [`${ENGINE}/ops/op${i}.h`, ""]),
      ...repeat(15, (i) => [`${ENGINE}/ops/op${i}.cpp`, ""]),
    });
    expect(fullFolders(root)).toEqual([]);
    tree({ [`${API}/io/one-more.ts`]: "", [`${ENGINE}/ops/one_more.h`]: "" });
    expect(fullFolders(root)).toEqual([
      `${ENGINE}/ops: has 16 files; make folders in it, 15 is the most`,
      `${API}/io: has 16 files; make folders in it, 15 is the most`,
    ]);
  });
});

it("an export that only a test imports, or nobody, is found", () => {
  tree({
    "package.json": '{"name": "house"}',
    "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
    "packages/ts-api/package.json": '{"name": "@finetag/api"}',
    [`${API}/index.ts`]: 'export { read } from "./io/index.ts";\n',
    [`${API}/io/index.ts`]: 'export { read, write } from "./read.ts";\n',
    [`${API}/io/read.ts`]:
      "const part = 1;\nexport const read = () => part;\nexport const write = 2;\nexport const idle = 3;\n",
    "packages/ts-api/test/read.test.ts": 'import { write } from "../src/io/index.ts";\nwrite;\n',
  });
  copyFileSync(join(ROOT, "knip.json"), join(root, "knip.json"));
  const { stdout } = spawnSync(join(ROOT, "node_modules", ".bin", "knip"), UNUSED_EXPORTS, {
    cwd: root,
    encoding: "utf8",
  });
  const found = stdout.split("\n").filter((line) => line.includes(API));
  expect(found.map((line) => line.replace(/\s+/g, " ").trim())).toEqual([
    expect.stringMatching(`^write ${API}/io/index.ts`),
    expect.stringMatching(`^write ${API}/io/read.ts`),
    expect.stringMatching(`^idle ${API}/io/read.ts`),
  ]);
});

it("a dependency that is not pinned is found", () => {
  tree({
    "package.json":
      '{"devDependencies": {"vitest": "4.1.12", "turbo": "^2.11.11", "finetag": "workspace:*"}}',
    "packages/cli/package.json": '{"dependencies": {"yaml": "latest"}}',
  });
  expect(unpinnedDependencies(root)).toEqual([
    'package.json: turbo "^2.11.11" is not pinned to one version',
    'packages/cli/package.json: yaml "latest" is not pinned to one version',
  ]);
});
