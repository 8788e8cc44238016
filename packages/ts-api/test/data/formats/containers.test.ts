import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";
import { CONTAINERS, workbookOf, zipOf, zstdOf } from "./writers.ts";

const dir = temporaryDirectory();
const csv = Buffer.from("text,a\nhow kind é,1\nso sad,0\n");
const cells = [
  ["how kind é", "1"],
  ["so sad", "0"],
];

describe("a container is told by its content", () => {
  test.each(Object.keys(CONTAINERS))("%s, whatever the name", async (container) => {
    for (const name of ["t.csv", "t.csv.gz", "t.bin", "t"]) {
      const read = await readTable({ path: await dir.write(name, CONTAINERS[container]!(csv)) });
      expect(read.source).toMatchObject({ container, format: "csv", encoding: "utf-8", delimiter: "," });
      expect(read.cells).toEqual(cells);
    }
  });

  test("several gzip members, zstd frames, and what the zstd command writes", async () => {
    const halves = [csv.subarray(0, 15), csv.subarray(15)];
    const members = Buffer.concat(halves.map((half) => gzipSync(half)));
    expect((await readTable({ path: await dir.write("members.gz", members) })).cells).toEqual(cells);
    const frames = Buffer.concat(halves.map(zstdOf));
    expect((await readTable({ path: await dir.write("frames.zst", frames) })).cells).toEqual(cells);
    const path = resolve(import.meta.dirname, "fixtures/lines.csv.zst");
    const read = await readTable({ path });
    expect(read.cells.length).toBe(20_000);
    expect(read.cells.at(-1)).toEqual(["row 19999 é", "1"]);
    expect(read.rows.at(-1)).toBe(20_001);
  });

  test("what a system adds to an archive is no data", async () => {
    const archive = zipOf({ "d/train.csv": csv, "__MACOSX/d/._train.csv": "x", "d/.DS_Store": "x" });
    expect((await readTable({ path: await dir.write("mac.zip", archive) })).cells).toEqual(cells);
  });

  test("an error names the line inside", async () => {
    const path = await dir.write("late.csv.gz", gzipSync(`text,a\n${"x,1\n".repeat(50_000)}x,1,1\n`));
    expect(dir.short(await errorOf(readTable({ path })))).toBe(
      "DATA late.csv.gz:50002: expected 2 fields, found 3; quote a field that holds a comma, a quote or a line break",
    );
  });
});

describe("a container that cannot be read", () => {
  const long = Buffer.from(
    `text,a\n${Array.from({ length: 9999 }, (_, i) => `row ${i * 7919},1\n`).join("")}`,
  );
  const broken = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = copy[at]! ^ 0xff;
    return copy;
  };
  const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length - 20);
  test.each([
    ["cut.gz", cut(gzipSync(long)), "is cut off: its gzip data ends early; copy or download it again"],
    [
      "bad.gz",
      broken(gzipSync(long), 500),
      "is damaged: its gzip data cannot be decompressed; copy or download it again",
    ],
    ["cut.zst", cut(zstdOf(long)), "is cut off: its zstd data ends early; copy or download it again"],
    [
      "two.zip",
      zipOf({ "a.csv": csv, "b.csv": csv }),
      'is a zip archive that holds 2 files, "a.csv", "b.csv"; unpack it (unzip two.zip) and give the file you mean',
    ],
    [
      "none.zip",
      zipOf({ "d/": "" }),
      "is a zip archive that holds no file; unpack it (unzip none.zip) and give the file you mean",
    ],
    [
      "my data.zip",
      zipOf({ "a.csv": csv, "b.csv": csv }),
      `is a zip archive that holds 2 files, "a.csv", "b.csv"; unpack it (unzip 'my data.zip') and give the file you mean`,
    ],
    [
      "twice.gz",
      gzipSync(gzipSync(csv)),
      "holds a file (inside gzip) that is compressed again; decompress it once",
    ],
    ["empty.gz", gzipSync(""), "is empty (inside gzip)"],
    [
      "word.zip",
      zipOf({ "word/document.xml": "<x/>" }),
      "is a Word document, not a table; save the table as CSV or .xlsx",
    ],
    [
      "book.gz",
      gzipSync(workbookOf([["text"], ["x"]])),
      "holds a file (inside gzip) that is compressed again; decompress it once",
    ],
  ])("%s", async (name, bytes, what) => {
    expect(dir.short(await errorOf(readTable({ path: await dir.write(name, bytes) })))).toBe(
      `DATA ${name}: ${what}`,
    );
  });

  test("a checksum of an archive that is wrong", async () => {
    const archive = zipOf({ "a.csv": csv });
    const entry = archive.indexOf("PK\x01\x02");
    archive[entry + 16] = archive[entry + 16]! ^ 1;
    const path = await dir.write("crc.zip", archive);
    expect(dir.short(await errorOf(readTable({ path })))).toBe(
      "DATA crc.zip: is damaged: a checksum is wrong; copy or download it again",
    );
  });
});

describe("what is no data is said to be what it is", () => {
  const bytes = (...codes: number[]) => Buffer.from(codes);
  const cases: [string, string | Buffer, RegExp][] = [
    [
      "page.csv",
      "<!DOCTYPE html>\n<html>\n<head>\n<title>Not found, sorry</title>",
      /^is a web page, "Not found, sorry", not data; download/,
    ],
    [
      "one-line.csv",
      "<html><head><title>x</title></head><body>404</body></html>",
      /^is a web page, "x", not data/,
    ],
    ["marked.csv", "\ufeff\n <!doctype html>\n<body>", /^is a web page, not data/],
    [
      "pointer.csv",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
      /^is a Git LFS pointer, .* `git lfs pull`$/,
    ],
    ["feed.csv", '<?xml version="1.0"?>\n<rss>\n', /^is an XML file; convert it/],
    ["paper.csv", "%PDF-1.7\n%âã", /^is a PDF, not data/],
    ["image.csv", Buffer.concat([bytes(0x89), Buffer.from("PNG\r\n\x1a\n")]), /^is an image, not data/],
    [
      "old.xls",
      bytes(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0),
      /before 2007 \(\.xls, \.doc\), or one with a password; save it as \.xlsx or CSV$/,
    ],
    ["frame.pkl", bytes(0x80, 4, 0x95, 0), /^is a Python pickle, .*read_pickle\("frame.pkl"\)\.to_parquet/],
    [
      "base.db",
      "SQLite format 3\0",
      /^is an SQLite database; export a table \(sqlite3 -header -csv base\.db /,
    ],
    ["t.csv.bz2", "BZh91AY&SY", /^is compressed with bzip2; decompress it first \(bunzip2 -k t\.csv\.bz2\)$/],
    [
      "t.csv.xz",
      bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0),
      /^is compressed with xz; decompress it first \(unxz -k t\.csv\.xz\)$/,
    ],
    [
      "t.tar",
      Buffer.concat([Buffer.alloc(257, "a"), Buffer.from("ustar\0")]),
      /^is a tar archive; unpack it first \(tar -xf t\.tar\)$/,
    ],
    [
      "t.tgz",
      gzipSync(Buffer.concat([Buffer.alloc(257, "a"), Buffer.from("ustar\0")])),
      /^is a tar archive; unpack it first \(tar -xf t\.tgz\)$/,
    ],
    [
      "wide.csv",
      Buffer.concat([bytes(0xff, 0xfe, 0, 0), Buffer.from("t")]),
      /^is UTF-32; convert it to UTF-8 \(iconv -f UTF-32/,
    ],
    ["empty.csv", "", /^is empty$/],
  ];
  test.each(cases)("%s", async (name, content, what) => {
    const message = dir.short(await errorOf(readTable({ path: await dir.write(name, content) })));
    expect(message.slice(`DATA ${name}: `.length)).toMatch(what);
  });

  test("texts of markup are data", async () => {
    const path = await dir.write("markup.tsv", "<html>\t<b>x</b>\ntext\ta\n");
    expect((await readTable({ path, header: false, columns: ["text", "a"] })).cells[0]).toEqual([
      "<html>",
      "<b>x</b>",
    ]);
  });
});
