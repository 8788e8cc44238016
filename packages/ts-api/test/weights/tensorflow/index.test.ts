/** Tables of tensors that are not what they say: of a TensorFlow checkpoint, made by hand. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openTensorflow } from "../../../src/weights/tensorflow/read.ts";
import { folder as dir, folderForEach } from "../../folder.ts";
import { BIAS, blockOf, type Entry, HEADER, NAME, Table, tableOf, varint } from "./table.ts";

folderForEach();

describe("an index that is not what it says", () => {
  const field = (number: number, ...value: number[]) => [number << 3, ...value];
  const cases: [string, () => Uint8Array, string][] = [
    ["is text", () => Buffer.from("x".repeat(100)), "not the index of a TensorFlow checkpoint, or truncated"],
    [
      "has an index block beyond its end",
      () => new Table().finish([1e12, 1e12]),
      "truncated: the block of 1000000000000 bytes at byte 1000000000000 is cut off",
    ],
    [
      "has an index block of all numbers",
      () => new Table().finish([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]),
      "truncated: the block of",
    ],
    [
      "has blocks that are one and the same",
      () => {
        const table = new Table();
        const handle = table.block(blockOf([HEADER])).flatMap(varint);
        return table.finish(
          table.block(
            blockOf([
              [0, "a", handle],
              [0, "b", handle],
            ]),
          ),
        );
      },
      "its blocks do not follow each other",
    ],
    [
      "has an index block that is its own data",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([[0, "a", [0, 14]]])));
      },
      "its blocks do not follow each other",
    ],
    [
      "has a block of an unknown kind",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([]), 2));
      },
      "the block at byte 0 is of the unknown kind 2",
    ],
    [
      "has a Snappy block of 2 GB",
      () => {
        const table = new Table();
        return table.finish(table.block([0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x00], 1));
      },
      "the Snappy block at byte 0 claims 2147483647 bytes, more than a block can have",
    ],
    ...(
      [
        ["shorter than it says", [8, 0, 97]],
        ["longer than it says", [2, 4, 97, 98, 0, 99]],
        [
          "with a literal of nearly 4 GB, whose length a sum of 32 bits takes for a step back",
          [10, 63 << 2, 0xfa, 0xff, 0xff, 0xff, 0],
        ],
      ] as [string, number[]][]
    ).map(([how, bytes]): [string, () => Uint8Array, string] => [
      `has a Snappy block ${how}`,
      () => {
        const table = new Table();
        return table.finish(table.block(bytes, 1));
      },
      `the Snappy block at byte 0 does not unpack to the ${bytes[0]} bytes that it claims (snappy: corrupt input`,
    ]),
    [
      "has a Snappy block that copies from before it begins",
      () => {
        const table = new Table();
        return table.finish(table.block([8, 0x01, 0x05], 1));
      },
      "the Snappy block at byte 0 does not unpack to the 8 bytes that it claims",
    ],
    [
      "has more restart points than bytes",
      () => {
        const table = new Table();
        return table.finish(table.block(blockOf([HEADER], 1000)));
      },
      "a block has more restart points than bytes",
    ],
    ["has a block without a count", () => new Table().finish(new Table().block([])), "truncated"],
    ["has keys out of order", () => tableOf([HEADER, BIAS, BIAS]), "its keys are not in order"],
    [
      "shares more of a key than there is",
      () => tableOf([HEADER, [5, "x", []]]),
      "a key shares more bytes than the previous key has",
    ],
    ["has no header", () => tableOf([BIAS]), "it does not begin with the checkpoint's header"],
    ["has no entries", () => tableOf([]), "it does not begin with the checkpoint's header"],
    [
      "is big-endian",
      () => tableOf([[0, "", [8, 1, 16, 1]]]),
      "its numbers are big-endian, which finetag does not read",
    ],
    [
      "asks for a newer reader",
      () => tableOf([[0, "", [8, 1, 26, 2, 16, 2]]]),
      "it needs a reader of version 2, and finetag reads version 1",
    ],
    [
      "claims a billion data files",
      () => tableOf([[0, "", [8, ...varint(1e9)]], BIAS]),
      "it claims 1000000000 data files",
    ],
    ["claims no data file", () => tableOf([[0, "", []], BIAS]), "it claims 0 data files"],
    [
      "has a negative dimension",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 13, 18, 11, 8, ...Array(9).fill(255), 1]]]),
      `variable "${NAME}" has a shape that is not a list of up to 64 counts`,
    ],
    [
      "has a shape larger than its bytes",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 4, 18, 2, 8, 3, 40, 8]]]),
      `variable "${NAME}" of F32 [3] needs 12 bytes and has 8`,
    ],
    [
      "has a tensor in a file that is none of its own",
      () => tableOf([HEADER, [0, NAME, [...field(1, 1), ...field(3, 1), ...field(5, 4)]]]),
      `variable "${NAME}" is in data file 1 of 1`,
    ],
    [
      "has a tensor at no place",
      () => tableOf([HEADER, [0, NAME, [8, 1, 32, ...varint(Number.MAX_SAFE_INTEGER), 40, 4]]]),
      `variable "${NAME}" has no place in a file`,
    ],
    [
      "has a name that is not UTF-8",
      () => tableOf([HEADER, BIAS, [0, "\u{80}", []]]).map((byte) => (byte === 0xc2 ? 0xff : byte)),
      "the checksum of the block at byte 0 is wrong",
    ],
    [
      "has a shape of more dimensions than a tensor has",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, ...varint(65 * 2), ...Array(65).fill([18, 0]).flat()]]]),
      `variable "${NAME}" has a shape that is not a list of up to 64 counts`,
    ],
    ...(["a shape", "parts"] as const).map((what): [string, () => Uint8Array, string] => [
      `has ${what} without an end, in two bytes each`,
      () => {
        const pairs = Array<number[]>(40_000)
          .fill(what === "parts" ? [58, 0] : [18, 0])
          .flat();
        return tableOf([
          HEADER,
          [0, NAME, what === "parts" ? pairs : [18, ...varint(pairs.length), ...pairs]],
        ]);
      },
      `variable "${NAME}" takes 8000`,
    ]),
    [
      "has an entry that is cut off",
      () => tableOf([HEADER, [0, NAME, [8, 1, 18, 100]]]),
      "index out of range",
    ],
  ];

  it.each(cases)("%s", async (_, make, message) => {
    await writeFile(join(dir, "a.index"), make());
    await writeFile(join(dir, "a.data-00000-of-00001"), new Uint8Array(16));
    const error = await openTensorflow(join(dir, "a")).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^[^\n]*a\.index: [^\n]*; the file is damaged, fetch or save it again$/);
  });

  it("has keys that share all but a byte: they are bounded before they take memory", async () => {
    const long = "k".repeat(60_000);
    const entries: Entry[] = [HEADER, [0, long, []]];
    for (let i = 1; i < 2000; i++) entries.push([long.length + i - 1, "k", []]);
    await writeFile(join(dir, "a.index"), tableOf(entries));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining("its entries take more room than any model's"),
    });
  });

  it("has blocks whose keys in the index share all but a byte: they are bounded as well", async () => {
    const table = new Table();
    const empty = () => table.block(blockOf([])).flatMap(varint);
    const long = "k".repeat(60_000);
    const entries: Entry[] = [[0, long, empty()]];
    for (let i = 1; i < 2000; i++) entries.push([long.length + i - 1, "k", empty()]);
    await writeFile(join(dir, "a.index"), table.finish(table.block(blockOf(entries))));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining("its entries take more room than any model's"),
    });
  });

  it("has tensors that overlap, or end beyond the data", async () => {
    const at = (offset: number, name: string): Entry => [
      0,
      name,
      [8, 1, 18, 4, 18, 2, 8, 2, 32, ...varint(offset), 40, 8],
    ];
    const data = join(dir, "a.data-00000-of-00001");
    await writeFile(data, new Uint8Array(16));
    await writeFile(join(dir, "a.index"), tableOf([HEADER, at(0, NAME), at(4, "output_bias")]));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining(`${data}: "output_bias" overlaps what comes before it`),
    });
    await writeFile(join(dir, "a.index"), tableOf([HEADER, at(1e15, NAME)]));
    await expect(openTensorflow(join(dir, "a"))).rejects.toMatchObject({
      message: expect.stringContaining(
        `${data}: truncated: it has 16 bytes, and variable "${NAME}" ends at byte 1000000000000008`,
      ),
    });
  });
});
