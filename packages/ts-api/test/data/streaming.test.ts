import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const project = resolve(import.meta.dirname, "../..");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** Below node_modules, so that the compiled module finds its packages and git does not see it. */
let dir: string;

beforeAll(async () => {
  await mkdir(join(project, "node_modules/.cache"), { recursive: true });
  dir = await mkdtemp(join(project, "node_modules/.cache/data-"));
  const options = ["--module", "nodenext", "--target", "es2023", "--types", "node", "--skipLibCheck"];
  const paths = ["--rootDir", join(project, "src"), "--outDir", dir, join(project, "src/data/index.ts")];
  await run(
    process.execPath,
    [tsc, "--ignoreConfig", "--rewriteRelativeImportExtensions", ...options, ...paths],
    {
      cwd: project,
    },
  );
}, 60_000);

afterAll(() => rm(dir, { recursive: true, force: true }));

// 40 MB in a heap of 16 MB: whatever kept the rows, or read ahead of a slow consumer, would run out of memory.
test.each([
  ["csv", "text,labels\n", '"a text, with ""quotes""\nand lines, number #","a,b"\n'],
  ["tsv", "text\tlabels\n", 'a text with "quotes" and more words, number #\ta,b\n'],
  ["csv.gz", "text,labels\n", 'a text in a file that is compressed: number #,"a,b"\n'],
  ["json", "", '{\n"text":"a text with some more words, number #","labels":["a","b"]}\n'],
  ["jsonl", "", '{"text":"a text with some more words, number #","labels":["a","b"]}\n'],
])(
  "streams 40 MB of %s through a small heap",
  async (format, header, record) => {
    const path = join(dir, `big.${format}`);
    const block = Array.from({ length: 2000 }, (_, i) => record.replace("#", String(i))).join("");
    const blocks = Math.ceil(40e6 / Buffer.byteLength(block));
    const packed = format.endsWith(".gz") ? [createGzip({ level: 1 })] : [];
    const content = Readable.from(
      (function* () {
        yield header;
        for (let i = 0; i < blocks; i++) yield block;
      })(),
    );
    await pipeline([content, ...packed, createWriteStream(path)]);
    const script = join(dir, "stream.mjs");
    await writeFile(
      script,
      `import { openData } from "./data/index.js";
     const file = await openData({ path: process.argv[2] }, { requireLabels: true, labels: ["a", "b"] });
     let rows = 0;
     let labels = 0;
     for await (const row of file.rows()) {
       rows++;
       labels += row.labels.length;
       if (rows % 100000 === 0) await new Promise((done) => setTimeout(done, 20));
     }
     console.log(JSON.stringify({ rows, labels }));`,
    );
    const { stdout } = await run(process.execPath, ["--max-old-space-size=16", script, path]);
    const result = JSON.parse(stdout);
    expect(result.rows).toBe(blocks * 2000);
    expect(result.labels).toBe(result.rows * 2);
    await rm(path);
  },
  120_000,
);
