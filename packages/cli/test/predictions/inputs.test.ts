import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { lineInputs } from "../../src/predictions/inputs.ts";

const never = new AbortController().signal;

async function lines(chunks: (string | Buffer)[], encoding?: string): Promise<string[]> {
  const texts: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const { text } of lineInputs(stream, "stdin", never, encoding)) texts.push(text);
  return texts;
}

test("one text a line, empty ones kept, the last with or without an end", async () => {
  expect(await lines(["a\n\nb\r\nc"])).toEqual(["a", "", "b", "c"]);
  expect(await lines(["a\n"])).toEqual(["a"]);
  expect(await lines([])).toEqual([]);
});

test("characters and lines may be cut anywhere", async () => {
  const bytes = Buffer.from("héllo 🙂\nwörld\n");
  const single = Array.from(bytes, (byte) => Buffer.from([byte]));
  expect(await lines(single)).toEqual(["héllo 🙂", "wörld"]);
});

test("a byte order mark at the start is no text", async () => {
  expect(await lines(["\ufeffa\nb"])).toEqual(["a", "b"]);
});

test("a line that is not UTF-8 is named", async () => {
  await expect(lines(["a\n", Buffer.from([0xff, 0x0a])])).rejects.toThrow(
    "stdin:2: not UTF-8; give its encoding, such as --encoding windows-1252",
  );
});

test("a line that is too long ends the reading, before more of it is kept", async () => {
  const block = Buffer.alloc(1024 * 1024, "x");
  let read = 0;
  const endless = new Readable({
    read() {
      read++;
      this.push(block);
    },
  });
  const all = async () => {
    for await (const _ of lineInputs(endless, "stdin", never));
  };
  await expect(all()).rejects.toThrow("stdin:1: a line longer than 16 MiB; end each text with a line break");
  expect(read).toBeLessThan(25);
  const long = "é".repeat(4 * 1024 * 1024);
  expect(await lines([`${long}\nb\n`])).toEqual([long, "b"]);
});

test("an abort ends the lines", async () => {
  const controller = new AbortController();
  const stream = new Readable({ read() {} });
  stream.push("a\n");
  const seen: string[] = [];
  for await (const { text } of lineInputs(stream, "stdin", controller.signal)) {
    seen.push(text);
    controller.abort();
  }
  expect(seen).toEqual(["a"]);
});

test.each([
  ["windows-1252", [0x68, 0xe9, 0x0a, 0xfc], ["h\u00e9", "\u00fc"]],
  ["gb18030", [0xc4, 0xe3, 0x0d, 0x0a, 0xba, 0xc3, 0x0a], ["\u4f60", "\u597d"]],
  ["shift_jis", [0x83, 0x5c, 0x0a, 0x82, 0xa0], ["\u30bd", "\u3042"]],
  // With a mark, and with a character (U+0A0A) that has the byte of a line break twice.
  ["utf-16le", [0xff, 0xfe, 0x0a, 0x0a, 0x0a, 0x00, 0x62, 0x00], ["\u0a0a", "b"]],
])("lines in %s, whose characters may be cut anywhere", async (encoding, bytes, expected) => {
  expect(await lines([Buffer.from(bytes)], encoding)).toEqual(expected);
  const single = bytes.map((byte) => Buffer.from([byte]));
  expect(await lines(single, encoding)).toEqual(expected);
});

test.each([
  ["a wrong byte", [0x61, 0xff, 0x0a]],
  ["half a character at the end", [0x61, 0x0a, 0xc4]],
])("%s for the given encoding is refused", async (_, bytes) => {
  await expect(lines([Buffer.from(bytes)], "gb18030")).rejects.toThrow(
    "stdin: not gb18030; give another --encoding",
  );
});
