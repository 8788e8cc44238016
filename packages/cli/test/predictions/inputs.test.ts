import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { lineInputs } from "../../src/predictions/inputs.ts";

const never = new AbortController().signal;

async function lines(chunks: (string | Buffer)[]): Promise<string[]> {
  const texts: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const { text } of lineInputs(stream, "stdin", never)) texts.push(text);
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
  await expect(lines(["a\n", Buffer.from([0xff, 0x0a])])).rejects.toThrow("stdin:2: not UTF-8");
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
