import { tableFromArrays, tableToIPC } from "@uwdata/flechette";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../random.ts";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";
import { CONTAINERS, delimited, encode, workbookOf } from "./writers.ts";

const dir = temporaryDirectory();

/** Pieces of texts, with all that is special in some format. */
const PIECES = [
  ...[
    "a",
    "the",
    "so kind",
    " ",
    "  ",
    ",",
    ";",
    "|",
    "\t",
    '"',
    '""',
    "'",
    "\\",
    "\n",
    "\r\n",
    "#",
    "[",
    "{",
    "}",
  ],
  ...[
    "é",
    "ß",
    "内容",
    "今天天气很好",
    "サービス",
    "привет",
    "🙂",
    "\u00a0",
    "１",
    "sep=",
    "text",
    "0",
    "NaN",
    "__label__",
  ],
];
const ENCODINGS = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  "gb18030",
  "big5",
  "shift_jis",
  "euc-kr",
  "windows-1252",
  "windows-1251",
];

interface Random {
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
}

function randomOf(seed: number): Random {
  const next = randomNumbers(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)]! };
}

/** A table with a header: an id, a text, two flags. No row is empty, and none is the header. */
function randomRows(random: Random, pieces: readonly string[]): string[][] {
  const rows = Array.from({ length: 2 + random.below(40) }, (_, i) => {
    const text = Array.from({ length: random.below(12) }, () => random.pick(pieces)).join("");
    return [`r${i}`, text, String(random.below(2)), String(random.below(2))];
  });
  return [["id", "text", "joy", "sad"], ...rows];
}

/** Reads the rows back: as they are, or with the option that the refusal names, or not at all but in one line. */
async function readBack(path: string, rows: string[][], options = {}): Promise<"read" | "refused"> {
  let read: Awaited<ReturnType<typeof readTable>>;
  try {
    read = await readTable({ path, ...options });
  } catch {
    const message = await errorOf(readTable({ path, ...options }));
    expect(message).toMatch(/^DATA /);
    return "refused";
  }
  expect([read.columns, ...read.cells]).toEqual(rows);
  return "read";
}

describe("random tables are read as they were written", () => {
  test("delimited, in every container, encoding and dialect", async () => {
    let refused = 0;
    let told = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = randomOf(seed);
      const encoding = random.pick(ENCODINGS);
      const pieces = PIECES.filter((piece) => encode(piece, encoding) !== undefined);
      const lineEnd = random.pick(["\n", "\r\n", "\r"]);
      const own = lineEnd === "\n" ? pieces : pieces.filter((piece) => !piece.includes("\r"));
      const rows = randomRows(random, own);
      const delimiter = random.pick([",", ";", "\t", "|"]);
      const always = random.below(3) === 0;
      const mark = encoding.startsWith("utf") && random.below(2) === 0 ? "\ufeff" : "";
      const sep = random.below(6) === 0 ? `sep=${delimiter}${lineEnd}` : "";
      const text = mark + sep + delimited(rows, { delimiter, lineEnd, always });
      const container = random.pick(Object.keys(CONTAINERS));
      const path = await dir.write(`t${seed}.csv`, CONTAINERS[container]!(encode(text, encoding)!));
      const label = `seed ${seed}: ${container}, ${encoding}, ${JSON.stringify(delimiter)}, ${JSON.stringify(lineEnd)}`;
      const known = encoding === "utf-8" ? {} : { encoding };
      // With the encoding given, everything is read.
      expect(await readBack(path, rows, { delimiter, ...known }), label).toBe("read");
      // Without, a text of random pieces may leave the encoding or the delimiter open; then it is said.
      if (/^(?:utf)/.test(encoding)) {
        told++;
        if ((await readBack(path, rows)) === "refused") refused++;
      }
    }
    expect(told).toBeGreaterThan(30);
    expect(refused).toBeLessThan(told / 20);
  }, 120_000);

  test("a TSV without quotes", async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = randomOf(seed);
      const pieces = PIECES.filter((piece) => !/[\t\n\r]/.test(piece));
      const rows = randomRows(random, pieces);
      const path = await dir.write("raw.tsv", rows.map((fields) => `${fields.join("\t")}\n`).join(""));
      const read = await readTable({ path, quoted: false });
      expect([read.columns, ...read.cells], `seed ${seed}`).toEqual(rows);
      // A stray quote anywhere keeps it raw.
      const stray = [...rows, ["last", 'say "hi', "0", "1"]];
      await dir.write("raw.tsv", stray.map((fields) => `${fields.join("\t")}\n`).join(""));
      expect(await readBack(path, stray), `seed ${seed}`).toBe("read");
    }
  }, 60_000);

  test("JSON in every layout, Parquet, Arrow, Excel", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = randomOf(seed);
      const rows = randomRows(random, PIECES);
      const [names, ...records] = rows as [string[], ...string[][]];
      const objects = records.map((fields) => Object.fromEntries(names.map((name, i) => [name, fields[i]])));
      const byColumn = Object.fromEntries(
        names.map((name, i) => [name, records.map((fields) => fields[i]!)]),
      );
      const space = random.pick([undefined, 1, "\t"]);
      const contents: Record<string, string | Uint8Array> = {
        jsonl: objects.map((object) => `${JSON.stringify(object)}\n`).join(""),
        json: JSON.stringify(objects, undefined, space),
        data: JSON.stringify({ version: "1", data: objects }, undefined, space),
        columns: JSON.stringify(byColumn, undefined, space),
        parquet: new Uint8Array(
          parquetWriteBuffer({
            columnData: names.map((name) => ({ name, data: byColumn[name]!, type: "STRING" as const })),
          }),
        ),
        arrow: tableToIPC(tableFromArrays(byColumn), { format: random.pick(["stream", "file"] as const) })!,
      };
      for (const [kind, content] of Object.entries(contents)) {
        const isText = typeof content === "string";
        const container = isText ? random.pick(Object.keys(CONTAINERS)) : "plain";
        const path = await dir.write(`t-${kind}`, CONTAINERS[container]!(Buffer.from(content as string)));
        expect(await readBack(path, rows), `seed ${seed}: ${kind}, ${container}`).toBe("read");
      }
      // A sheet has LF for a line break.
      const sheet = rows.map((fields) => fields.map((field) => field.replaceAll("\r\n", "\n")));
      const path = await dir.write("t.xlsx", workbookOf(sheet));
      expect(await readBack(path, sheet), `seed ${seed}: xlsx`).toBe("read");
    }
  }, 120_000);
});
