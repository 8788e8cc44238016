import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../helpers.ts";
import { readTable } from "./table.ts";
import { encode } from "./writers.ts";

const dir = temporaryDirectory();

/** What people write in it: short, as in a small file. */
const TEXTS: Record<string, string[]> = {
  gb18030: [
    "内容,标签\n雀巢裁员,裁员\n她很好,好\n",
    "text,label\n好,1\n",
    "id,text,label\n1,手机iPhone很好用,好评\n",
  ],
  big5: ["內容,標籤\n服務差,差\n她很好,好\n", "標題,類別\n台北市政府公告,政治\n股市大跌,財經\n"],
  shift_jis: ["text,label\nサービスが悪い,否定\nとても良い,肯定\n", "本文,ラベル\nﾃｽﾄです,良\n"],
  "euc-jp": ["text,label\nサービスが悪い,否定\n", "text,a\n今日は天気がいい,1\n"],
  "euc-kr": ["text,label\n서비스가 나쁘다,부정\n아주 좋아요,긍정\n", "본문,라벨\n좋다,긍정\n"],
  "windows-1252": [
    "text,a\ncafé très bon,1\nmauvais,0\n",
    "text,a\n“quoted” it’s,1\nprice 5 €,0\n",
    "text,a\nschön grüße,1\n",
    "text,a\nEl niño comió ayer,1\n¿Qué pasó?,0\n",
    "text,a\nà côté,1\nça va,0\n",
    `text,a\n${"plain words here,0\n".repeat(2000)}I don’t know,1\n`,
  ],
  "windows-1251": ["text,label\nочень плохой сервис,плохо\nхорошо,хорошо\n", "text,a\nпривет,1\n"],
  "windows-1250": ["text,a\nzażółć gęślą jaźń,1\ndobrze się bawię,0\n"],
  "windows-1253": ["text,a\nκαλημέρα κόσμε,1\nκακή εξυπηρέτηση,0\n"],
  "windows-1254": ["text,a\nçok güzel bir gün şahane ışık,1\n"],
  "koi8-r": ["text,label\nочень плохой сервис,плохо\nхорошо,хорошо\n"],
  "utf-16le": ["text,a\ncafé,1\n", "文本,标签\n今天,好\n"],
  "utf-16be": ["text,a\ncafé,1\n", "文本,标签\n今天,好\n"],
  "utf-8": ["text,a\ncafé,1\n", "文本,标签\n今天,好\n"],
};

describe("an encoding is told from the content, and can be given", () => {
  test.each(Object.entries(TEXTS))(
    "%s",
    async (encoding, texts) => {
      for (const text of texts) {
        const path = await dir.write("t.csv", encode(text, encoding)!);
        const expected = text
          .trimEnd()
          .split("\n")
          .map((line) => line.split(","));
        const told = await readTable({ path });
        expect(told.source.encoding).toBe(encoding);
        expect([told.columns, ...told.cells]).toEqual(expected);
        const given = await readTable({ path, encoding });
        expect([given.columns, ...given.cells]).toEqual(expected);
      }
    },
    30_000,
  );

  test("a byte order mark decides and is no text", async () => {
    for (const encoding of ["utf-8", "utf-16le", "utf-16be"]) {
      const path = await dir.write("mark.csv", encode("\ufefftext,a\né,1\n", encoding)!);
      const read = await readTable({ path });
      expect([read.source.encoding, read.columns]).toEqual([encoding, ["text", "a"]]);
      expect(dir.short(await errorOf(readTable({ path, encoding: "gbk" })))).toBe(
        `DATA mark.csv: starts with the byte order mark of ${encoding}, so it is not gb18030; leave \`encoding\` out`,
      );
    }
  });

  test("ISO-2022-JP, whose bytes are all ASCII", async () => {
    const shifted = Buffer.from("text,a\n\x1b$B$H$F$b\x1b(B,1\n", "latin1");
    const read = await readTable({ path: await dir.write("jis.csv", shifted) });
    expect([read.source.encoding, read.cells]).toEqual(["iso-2022-jp", [["とても", "1"]]]);
  });

  test("names that Python and iconv have", async () => {
    const path = await dir.write("names.csv", encode("text,a\né,1\n", "windows-1252")!);
    for (const encoding of ["latin-1", "latin1", "ISO-8859-1", "cp1252", "Windows-1252"]) {
      expect((await readTable({ path, encoding })).cells).toEqual([["é", "1"]]);
    }
    const gbk = await dir.write("gbk.csv", encode("text,a\n内容,1\n", "gb18030")!);
    for (const encoding of ["gbk", "GB2312", "cp936", "gb18030"]) {
      expect((await readTable({ path: gbk, encoding })).source.encoding).toBe("gb18030");
    }
    expect(await errorOf(readTable({ path, encoding: "utf-9" }))).toBe(
      'ARGUMENT unknown encoding "utf-9"; did you mean "utf-8"?',
    );
  });

  test("where two encodings fit, both are named, and each of them works", async () => {
    const ambiguous = Buffer.from([...Buffer.from("text,a\n"), 0xa6, 0xf5, ...Buffer.from(",1\n")]);
    const path = await dir.write("two.csv", ambiguous);
    expect(dir.short(await errorOf(readTable({ path })))).toBe(
      'DATA two.csv: is not UTF-8, and may be big5 ("佐,1") or windows-1252 ("¦õ,1"); set `encoding: "big5"` or `encoding: "windows-1252"`',
    );
    expect((await readTable({ path, encoding: "big5" })).cells).toEqual([["佐", "1"]]);
    expect((await readTable({ path, encoding: "windows-1252" })).cells).toEqual([["¦õ", "1"]]);
  });
});

describe("bytes that are not valid", () => {
  test("in a file that is UTF-8 otherwise, with the row and a remedy", async () => {
    const good = "caffè ñandú 内容,1\n".repeat(200);
    const bytes = Buffer.concat([
      Buffer.from(`text,a\n${good}bad `),
      Buffer.from([0xe9]),
      Buffer.from(",1\n"),
    ]);
    const path = await dir.write("broken.csv", bytes);
    expect(dir.short(await errorOf(readTable({ path })))).toBe(
      "DATA broken.csv:202: not valid UTF-8; the rest of the file is; correct the line, or remove the bad bytes (iconv -c -f UTF-8 -t UTF-8 broken.csv > fixed.csv)",
    );
  });

  test("far into a file that was ASCII until then: told by samples, and named otherwise", async () => {
    const line = Buffer.from("plain words,0\n");
    const accented = encode("déjà vu et là,1\n", "windows-1252")!;
    const repeat = (bytes: Buffer, times: number) => Buffer.alloc(bytes.length * times, bytes);
    const often = Buffer.concat([Buffer.from("text,a\n"), repeat(line, 80_000), repeat(accented, 60_000)]);
    const path = await dir.write("late.csv", often);
    expect((await readTable({ path })).source.encoding).toBe("windows-1252");
    const once = Buffer.concat([
      Buffer.from("text,a\n"),
      repeat(line, 250_001),
      accented,
      repeat(line, 250_000),
    ]);
    const message = dir.short(await errorOf(readTable({ path: await dir.write("once.csv", once) })));
    expect(message).toMatch(/^DATA once\.csv:250003: not valid UTF-8; set `encoding: "windows-1252"`/);
    expect(
      (await readTable({ path: dir.path("once.csv"), encoding: "windows-1252" })).cells[250_001],
    ).toEqual(["déjà vu et là", "1"]);
  }, 60_000);

  test("far into a file that is UTF-8 otherwise", async () => {
    const long = `text,a\n${"caffè e tè,1\n".repeat(120_000)}`;
    const bytes = Buffer.concat([
      Buffer.from(long),
      Buffer.from([0xe9]),
      Buffer.from(`,1\n${"x,1\n".repeat(20_000)}`),
    ]);
    const message = dir.short(await errorOf(readTable({ path: await dir.write("far.csv", bytes) })));
    expect(message).toMatch(
      /^DATA far\.csv:120002: not valid UTF-8; the rest of the file is; correct the line/,
    );
  }, 60_000);

  test("in a given encoding", async () => {
    const path = await dir.write(
      "given.csv",
      Buffer.concat([encode("text,a\n内容,1\nx", "gb18030")!, Buffer.from([0xff, 0x0a])]),
    );
    expect(dir.short(await errorOf(readTable({ path, encoding: "gb18030" })))).toBe(
      "DATA given.csv:3: not valid gb18030; correct the line, or set the right `encoding`",
    );
  });
});
