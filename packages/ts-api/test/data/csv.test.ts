import { describe, expect, test } from "vitest";
import { readCsv } from "../../src/data/formats/text/csv.ts";
import { collect, errorOf, read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();

async function* pieces(content: string, size: number) {
  const bytes = Buffer.from(content);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function records(content: string, size: number) {
  const all = [];
  for await (const batch of readCsv("x.csv", () => pieces(content, size), { delimiter: ",", lineEnd: "\n" }))
    all.push(...batch);
  return all;
}

describe("a CSV", () => {
  test("quotes, doubled quotes, commas and line breaks in fields; rows are the lines where records start", async () => {
    const path = await dir.write(
      "quotes.csv",
      'id,text,a,b\n1,"one, ""two""\nthree",1,0\n2,plain,0,1\n\n3,"x\r\n\r\ny",1,1\n4,"",0,0\n5,last,0,1',
    );
    const { file, rows } = await read({ path });
    expect(file.labels).toEqual(["a", "b"]);
    expect(rows).toEqual([
      { row: 2, id: "1", text: 'one, "two"\nthree', labels: [0] },
      { row: 4, id: "2", text: "plain", labels: [1] },
      { row: 6, id: "3", text: "x\r\n\r\ny", labels: [0, 1] },
      { row: 9, id: "4", text: "", labels: [] },
      { row: 10, id: "5", text: "last", labels: [1] },
    ]);
    expect(file.emptyTexts).toBe(1);
  });

  test("a byte order mark, CRLF, blank lines before the header and spaces around names and flags", async () => {
    const path = await dir.write("bom.csv", "\ufeff\r\n text , a\r\nhello, 1\r\n\r\nbye,0 \r\n");
    const { file, rows } = await read({ path });
    expect(file.columns).toEqual({ text: "text", labels: { kind: "columns", names: ["a"] } });
    expect(rows).toEqual([
      { row: 3, text: "hello", labels: [0] },
      { row: 5, text: "bye", labels: [] },
    ]);
  });

  test("mixed line ends, and a lone CR is text", async () => {
    const path = await dir.write("mixed.csv", "text,a\r\none,1\ntwo\rhalves,0\r\nthree,1");
    const { rows } = await read({ path });
    expect(rows.map(({ row, text }) => [row, text])).toEqual([
      [2, "one"],
      [3, "two\rhalves"],
      [4, "three"],
    ]);
  });

  test("text is kept to the character, white space and all", async () => {
    const path = await dir.write("exact.csv", 'text,a\n" x\t",0\n  y ,1\n"\u00a0",0\n');
    const { file, rows } = await read({ path });
    expect(rows.map(({ text }) => text)).toEqual([" x\t", "  y ", "\u00a0"]);
    expect(file.emptyTexts).toBe(1);
    expect((await collect(file)).length).toBe(3);
    expect(file.emptyTexts).toBe(1);
  });

  test("flags as pandas writes them", async () => {
    const path = await dir.write("floats.csv", ",text,a,b\n0,x,1.0,0.0\n1,y,0,1\n");
    const { file, rows } = await read({ path });
    expect(file.columns.id).toBe("");
    expect(rows.map(({ id, labels }) => [id, labels])).toEqual([
      ["0", [0]],
      ["1", [1]],
    ]);
  });

  test("a file of one column: a blank line is an empty text", async () => {
    const path = await dir.write("one.csv", 'text\na\n\n""\nb\n');
    const { file, rows } = await read({ path }, { requireLabels: false });
    expect(rows.map(({ row, text }) => [row, text])).toEqual([
      [2, "a"],
      [3, ""],
      [4, ""],
      [5, "b"],
    ]);
    expect(file.emptyTexts).toBe(2);
  });

  test("the same records wherever a chunk ends", async () => {
    let state = 7;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    const parts = ["a", ",", '"', "\n", "\r\n", "\r", "é", "文", "😀", " ", ""];
    for (let round = 0; round < 60; round++) {
      const expected: { row: number; fields: string[] }[] = [];
      let content = "";
      let row = 1;
      for (let i = 0; i < 8; i++) {
        const fields = Array.from({ length: 3 }, () =>
          Array.from({ length: random(5) }, () => parts[random(parts.length)]).join(""),
        );
        expected.push({ row, fields });
        const end = random(2) ? "\n" : "\r\n";
        content +=
          fields
            .map((f) => (/[",\n\r]/.test(f) || random(2) ? `"${f.replaceAll('"', '""')}"` : f))
            .join(",") + end;
        row = content.split("\n").length;
      }
      for (const size of [1, 2, 3, 5, 16, 1000]) expect(await records(content, size)).toEqual(expected);
    }
  });
});

describe("wrong quoting names the line where the quote opened", () => {
  const cases: [string, string, string][] = [
    [
      "never closed",
      'text,a\none,1\n"x\ny",0\n"left open,1\nmore,0\nmore,0\n',
      'DATA q.csv:5: a quote opens here and is never closed; close it, and double each quote inside a text ("")',
    ],
    [
      "never closed, in the second field of a record that began earlier",
      'text,a\n"x\n\ny","0\nmore,0\n',
      'DATA q.csv:4: a quote opens here and is never closed; close it, and double each quote inside a text ("")',
    ],
    [
      "closed by the opening quote of a later row",
      'text,a\n"ok",1\n"left open,1\n"fine",0\n',
      'DATA q.csv:3: a quote opens here, and text follows the quote that closes it; double each quote inside a text ("") or close the one that was left open',
    ],
    [
      "a bare quote inside a field",
      'text,a\nok,1\n"x\ny",1\na 5" pipe,1\n',
      'DATA q.csv:5: a quote inside a field that does not start with one; put the field in quotes and double its quotes ("")',
    ],
    [
      "text after a closing quote before a lone CR",
      'text,a\r\n"x"\ry,1\r\n',
      'DATA q.csv:2: a quote opens here, and text follows the quote that closes it; double each quote inside a text ("") or close the one that was left open',
    ],
  ];
  test.each(cases)("%s", async (_, content, message) => {
    const path = await dir.write("q.csv", content);
    expect(dir.short(await errorOf(read({ path })))).toBe(message);
  });

  test("rows before the bad one are still delivered", async () => {
    const path = await dir.write("late.csv", 'text,a\none,1\ntwo,0\n"open,1\n');
    const { openData } = await import("../../src/data/index.ts");
    const file = await openData({ path, labelColumns: ["a"] }, { requireLabels: true });
    const texts: string[] = [];
    const message = await errorOf(
      (async () => {
        for await (const { text } of file.rows()) texts.push(text);
      })(),
    );
    expect(texts).toEqual(["one", "two"]);
    expect(dir.short(message)).toContain("late.csv:4: a quote opens here");
  });

  test("a record without an end", async () => {
    const path = await dir.write("long.csv", `text,a\nok,1\n"${"x".repeat(17 * 1024 * 1024)}`);
    expect(dir.short(await errorOf(read({ path })))).toBe(
      "DATA long.csv:3: a record longer than 16 MiB; is a quote opened here and never closed?",
    );
  });
});
