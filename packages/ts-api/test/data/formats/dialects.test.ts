import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";

const dir = temporaryDirectory();

async function read(name: string, content: string, spec = {}, options = {}) {
  const { columns, cells, rows, source } = await readTable(
    { path: await dir.write(name, content), ...spec },
    options,
  );
  return { columns, cells, rows, delimiter: source.delimiter, quoted: source.quoted, notes: source.notes };
}

const message = async (name: string, content: string, spec = {}) =>
  dir.short(await errorOf(read(name, content, spec)));

describe("a delimiter", () => {
  const table = (d: string) =>
    `id${d}text${d}joy\n1${d}"so${d} kind"${d}1\n2${d}sad, very${d}0\n`.replace(
      "sad, very",
      d === "," ? "sad" : "sad, very",
    );
  test.each([",", ";", "\t", "|"])(
    "%j in a .csv, a .tsv, a .txt and a file without an ending",
    async (delimiter) => {
      for (const name of ["t.csv", "t.tsv", "t.txt", "t"]) {
        const found = await read(name, table(delimiter));
        expect(found.delimiter).toBe(delimiter);
        expect(found.columns).toEqual(["id", "text", "joy"]);
        expect(found.cells[0]).toEqual(["1", `so${delimiter} kind`, "1"]);
        expect(found.rows).toEqual([2, 3]);
      }
    },
  );

  test("semicolons around texts and names with commas", async () => {
    const found = await read("t.csv", "id;text;joy, love;sad\n1;how kind, really;1;0\n2;so, sad;0;1\n");
    expect(found.columns).toEqual(["id", "text", "joy, love", "sad"]);
    expect(found.cells[0]).toEqual(["1", "how kind, really", "1", "0"]);
  });

  test("commas around lists with semicolons, and texts that all have one", async () => {
    expect((await read("l.csv", "text,labels\nx,a;b\ny,c;d\n")).cells).toEqual([
      ["x", "a;b"],
      ["y", "c;d"],
    ]);
    const texts = await read("one.csv", "text\na; b\nc; d\n", {}, { labelled: false });
    expect([texts.columns, texts.cells]).toEqual([["text"], [["a; b"], ["c; d"]]]);
  });

  test("two that fit are both named, and each works", async () => {
    const content = "x,a;b\nt,0;1\nu,1;0\n";
    expect(await message("two.csv", content)).toBe(
      'DATA two.csv:1: may have 2 columns by "," or 2 columns by ";"; set `delimiter: ","` or `delimiter: ";"`',
    );
    expect((await read("two.csv", content, { delimiter: "," })).columns).toEqual(["x", "a;b"]);
    expect((await read("two.csv", content, { delimiter: ";" })).columns).toEqual(["x,a", "b"]);
    expect((await read("two.csv", content, { textColumn: "x" })).columns).toEqual(["x", "a;b"]);
  });

  test("a given one, as a shell writes a tab, and one that is none", async () => {
    expect((await read("g.csv", "text~a\nx~1\n", { delimiter: "~" })).cells).toEqual([["x", "1"]]);
    expect((await read("g.csv", "text\ta\nx\t1\n", { delimiter: "\\t" })).cells).toEqual([["x", "1"]]);
    expect((await read("g.csv", "text::a\nx:y::1\n", { delimiter: "::" })).cells).toEqual([["x:y", "1"]]);
    expect(await message("g.csv", "text,a\nx,1\n", { delimiter: '"' })).toMatch(
      /^ARGUMENT `delimiter: .+ cannot separate/,
    );
  });

  test("without a header, the number of the given columns decides", async () => {
    const found = await read("h.csv", "x, y, q;1\nz;0\n", { header: false, columns: ["text", "a"] });
    expect(found.cells).toEqual([
      ["x, y, q", "1"],
      ["z", "0"],
    ]);
  });

  test("one wrong record is named, with what separates the others", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i};text, ${i};1\n`).join("");
    expect(await message("r.csv", `id;text;a\n${rows}31;x;y;1\n`)).toBe(
      "DATA r.csv:32: expected 3 fields, found 4; quote a field that holds a semicolon, a quote or a line break",
    );
  });

  test.each([";", ",", "\t"])("a line `sep=%s`", async (delimiter) => {
    for (const line of [`sep=${delimiter}\r\n`, `"sep=${delimiter}"\n`]) {
      const found = await read("s.csv", `${line}text${delimiter}a\nx${delimiter}1\n`);
      expect([found.columns, found.cells, found.rows]).toEqual([["text", "a"], [["x", "1"]], [3]]);
    }
  });
});

describe("line ends", () => {
  test("a lone CR, with line breaks in quotes; rows are counted by it", async () => {
    const found = await read("m.csv", 'id,text\r1,"a\nb"\r2,c\r');
    expect([found.cells, found.rows]).toEqual([
      [
        ["1", "a\nb"],
        ["2", "c"],
      ],
      [2, 3],
    ]);
    const doubled = await read("m.csv", 'id,text\r1,"say ""a""\nb"\r2,c\r');
    expect(doubled.cells[0]).toEqual(["1", 'say "a"\nb']);
    const raw = await read("m.txt", '5" pipe\n6" x\ry\nz', {}, { labelled: false });
    expect(raw.cells).toEqual([['5" pipe'], ['6" x\ry'], ["z"]]);
    expect((await read("m.tsv", "id\ttext\r1\ta\r2\tb")).cells).toEqual([
      ["1", "a"],
      ["2", "b"],
    ]);
    expect((await read("m.jsonl", '{"text":"a"}\r{"text":"b"}\r')).cells).toEqual([["a"], ["b"]]);
    expect((await read("m.txt", "a\rb\r", {}, { labelled: false })).cells).toEqual([["a"], ["b"]]);
    expect(await message("m.csv", 'id,text\r1,a\r2,"b\r')).toContain("m.csv:3: a quote opens here");
  });
});

describe("a TSV is quoted if it shows", () => {
  test.each([
    ["a line break", 'text\ta\n"x\ny"\t1\nz\t0\n', "x\ny"],
    ["a tab", 'text\ta\n"x\ty"\t1\nz\t0\n', "x\ty"],
    ["a doubled quote", 'text\ta\n"say ""x"""\t1\nz\t0\n', 'say "x"'],
    ["all fields", '"text"\t"a"\n"x"\t"1"\n', "x"],
    ["all texts", '"text"\t"a"\n"x"\t1\n"y"\t0\n', "x"],
  ])("%s", async (_, content, text) => {
    const found = await read("q.tsv", content);
    expect([found.quoted, found.cells[0]]).toEqual([true, [text, "1"]]);
  });

  test.each([
    ["a quote inside", 'text\ta\nsay "x"\t1\n"y"\t0\n', 'say "x"'],
    ["a quote that stays open", 'text\ta\n"open\t1\n"y"\t0\n', '"open'],
    ["some texts in quotes", 'text\ta\n"x"\t1\ny\t0\n', '"x"'],
    ["all texts in quotes, but not the header", 'text\ta\n"x"\t1\n"y"\t0\n', '"x"'],
  ])("not by %s: read as it is", async (_, content, text) => {
    const found = await read("raw.tsv", content);
    expect([found.quoted, found.cells[0]]).toEqual([false, [text, "1"]]);
  });

  test("the user's word counts", async () => {
    expect((await read("u.tsv", 'text\ta\n"x"\t1\ny\t0\n', { quoted: true })).cells[0]).toEqual(["x", "1"]);
    expect((await read("u.csv", 'text,a\n5" pipe,1\n', { quoted: false })).cells[0]).toEqual([
      '5" pipe',
      "1",
    ]);
  });
});

describe("what spreadsheets leave", () => {
  test("empty columns and rows are passed over and told", async () => {
    const found = await read(
      "e.csv",
      ",,,,\ntext,joy,sad,,\nhow kind,1,0,,\nso sad,0,1\n,,,,\nx,1,1,,,\n,,\n",
    );
    expect(found.columns).toEqual(["text", "joy", "sad"]);
    expect(found.cells.map(([text]) => text)).toEqual(["how kind", "so sad", "x"]);
    expect(found.notes).toEqual(["2 empty columns are passed over", "2 empty rows are passed over"]);
  });

  test("columns without a name that hold something are told, and row numbers stay", async () => {
    const found = await read("k.csv", ",text,a,,\n0,x,1,,\n1,y,0,note,\n");
    expect(found.columns).toEqual(["", "text", "a"]);
    expect(found.cells).toEqual([
      ["0", "x", "1"],
      ["1", "y", "0"],
    ]);
    expect(found.notes).toEqual(["2 unnamed columns are passed over, though 1 row holds something there"]);
  });

  test("the header in the middle is an error", async () => {
    expect(await message("j.csv", "text,a\nx,1\ntext,a\ny,0\n")).toBe(
      "DATA j.csv:3: the header is repeated here, as in files that were joined; remove this line",
    );
    expect((await read("j.csv", "text\nx\ntext\n")).cells).toEqual([["x"], ["text"]]);
  });
});
