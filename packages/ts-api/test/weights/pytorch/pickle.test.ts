/** Pickles that are not what they say, made by hand. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPytorch } from "../../../src/weights/pytorch/read.ts";
import { folder as dir, folderForEach } from "../../folder.ts";
import { readAll } from "../tensors.ts";
import { legacy, Pickle } from "./pickle.ts";

folderForEach();

/** A list of pairs of nothing, of which `times` OrderedDicts are made. */
function copiedList(pairs: number, times: number): string {
  const list = `](${"NN\x86".repeat(pairs)}eq\x02`;
  return `ccollections\nOrderedDict\nq\x01${list}${"h\x01h\x02\x85R".repeat(times)}`;
}

describe("a pickle that is not what it says", () => {
  it("is read where it is", async () => {
    await writeFile(join(dir, "a.bin"), legacy(new Pickle().tensor().end()));
    const file = await openPytorch(join(dir, "a.bin"));
    expect(file.entries()).toEqual([{ name: "a", dtype: "F32", shape: [2] }]);
    expect((await file.readBytes("a")).every((byte) => byte === 1)).toBe(true);
    await file.close();
  });

  it("may have storages that are views of others, as PyTorch 0.x wrote them", async () => {
    const data = Buffer.alloc(8 + 16);
    for (const i of [0, 1, 2, 3]) data.writeFloatLE(i, 8 + 4 * i);
    const pickle = new Pickle().tensor({ elements: 4, offset: 1, shape: [1], view: [7, 2, 2] }).end();
    await writeFile(join(dir, "a.bin"), legacy(pickle, ["0"], true, data));
    expect(await readAll(await openPytorch(join(dir, "a.bin")))).toEqual({ a: [3] });
  });

  it("may have one dict twice, and a dict in itself", async () => {
    const shared = new Pickle().op("}q", 0).text("m").tensor().op("q", 1).op("s").text("n").op("h", 1);
    await writeFile(join(dir, "a.bin"), legacy(shared.op("s").text("self").op("h", 0).op("s").end()));
    expect(Object.keys(await readAll(await openPytorch(join(dir, "a.bin"))))).toEqual(["m.a"]);
  });

  it.each([
    ["a million times", [1_000_000], [0]],
    ["more often than a number can tell", Array(40).fill(2 ** 30), Array(40).fill(0)],
  ])(
    "may have a buffer that repeats one element %s, which finetag does not read",
    async (_, shape, stride) => {
      await writeFile(join(dir, "a.bin"), legacy(new Pickle().tensor({ shape, stride }).end()));
      const file = await openPytorch(join(dir, "a.bin"));
      expect(file.entries()).toEqual([{ name: "a", dtype: "F32", shape }]);
      const refusal = `tensor "a" of sizes [${shape.join(", ")}] repeats its storage of 2 elements`;
      await expect(file.readBytes("a")).rejects.toThrow(refusal);
      await expect(file.read("a")).rejects.toThrow(refusal);
      await expect(file.readParts("a")[Symbol.asyncIterator]().next()).rejects.toThrow(refusal);
      await file.close();
    },
  );

  const plain = () => new Pickle().tensor();
  const cases: [string, Uint8Array, string][] = [
    [
      "has two tensors of one name",
      legacy(
        new Pickle().op("}").text("x").op("}").text("y").tensor().op("ss").text("x.y").tensor().op("s").end(),
      ),
      'two of its tensors are called "x.y.a"',
    ],
    [
      "has a dict whose name is no name",
      legacy(new Pickle().op("}").text("x".repeat(1000)).tensor().op("s").end()),
      "a dict in it has a name of 1000 characters",
    ],
    [
      "begins beyond its storage",
      legacy(new Pickle().tensor({ offset: 1 }).end()),
      "a tensor of sizes [2] and strides [1] at 1 does not fit into its storage of 2 elements",
    ],
    [
      "has a negative offset",
      legacy(new Pickle().tensor({ offset: -1 }).end()),
      "a tensor is not described by a storage, an offset, sizes and strides",
    ],
    [
      "has a negative stride",
      legacy(new Pickle().tensor({ stride: [-1] }).end()),
      "a tensor is not described by a storage, an offset, sizes and strides",
    ],
    [
      "has more sizes than strides",
      legacy(new Pickle().tensor({ shape: [1, 2] }).end()),
      "a tensor of sizes [1, 2] and strides [1] has more of one than of the other",
    ],
    [
      "claims a storage of petabytes",
      legacy(
        new Pickle()
          .tensor({ shape: [2 ** 30, 2 ** 20] as never, stride: [2 ** 20, 1], view: [7, 0, 2n ** 52n] })
          .end(),
      ),
      'storage "0" of 4503599627370496 F32 has 8 bytes',
    ],
    [
      "has a view beyond its storage",
      legacy(new Pickle().tensor({ view: [7, 1, 2] }).end()),
      'storage "0" of 2 F32 has 8 bytes',
    ],
    ["lacks the data of a storage", legacy(plain().end(), []), 'the data of storage "0" is missing'],
    [
      "has the data of a storage twice",
      legacy(plain().end(), ["0", "0"]),
      'the data of storage "0" belongs to no tensor, or appears twice',
    ],
    [
      "has data that belong to nothing",
      legacy(plain().end(), ["x"]),
      'the data of storage "x" belongs to no tensor, or appears twice',
    ],
    ["is of another byte order", legacy(plain().end(), ["0"], false), "its numbers are not little-endian"],
    ["pops what is not there", legacy(new Pickle().op("0\x85").end()), "the pickle pops from an empty stack"],
    ["pops a mark", legacy(new Pickle().op("(\x85").end()), "the pickle pops from an empty stack"],
    ["ends without a value", legacy(new Pickle().end()), "the pickle pops from an empty stack"],
    [
      "gets what it has not stored",
      legacy(new Pickle().op("h", 7).end()),
      "reads value 7, which it has not stored",
    ],
    [
      "sets items of a number",
      legacy(new Pickle().int(1).int(2).int(3).op("s").end()),
      "sets items of something other than a dict",
    ],
    [
      "sets half an item",
      legacy(new Pickle().op("}(").int(1).op("u").end()),
      "sets items of something other than a dict",
    ],
    [
      "appends to a dict",
      legacy(new Pickle().op("}").int(1).op("a").end()),
      "appends to something other than a list",
    ],
    [
      "adds to a list",
      legacy(new Pickle().op("](").int(1).op("\x90").end()),
      "adds to something other than a set",
    ],
    [
      "calls a number",
      legacy(new Pickle().int(1).op(")R").end()),
      "the pickle calls something that cannot be called",
    ],
    [
      "calls a storage class",
      legacy(new Pickle().op("ctorch\nFloatStorage\n)R").end()),
      "the pickle calls torch.FloatStorage",
    ],
    [
      "makes an OrderedDict of numbers",
      legacy(new Pickle().op("ccollections\nOrderedDict\n").int(1).op("\x85R").end()),
      "an OrderedDict is made of something other than a list of pairs",
    ],
    [
      "gives a number attributes",
      legacy(new Pickle().int(1).op("}b").end()),
      "the pickle gives attributes to something that has none",
    ],
    [
      "has a storage without an id",
      legacy(new Pickle().op("NQ").end()),
      "a storage is not described by class, key",
    ],
    ["has an unknown opcode", legacy(new Pickle().op("\x00").end()), "opcode 0x00 at byte"],
    [
      "builds more than a model",
      legacy(new Pickle().op("}".repeat(600_000)).end()),
      "the pickle builds more objects than any model's",
    ],
    [
      "copies one list again and again",
      legacy(new Pickle().op(copiedList(1000, 2000)).end()),
      "the pickle builds more objects than any model's",
    ],
    [
      "gives a tensor more dimensions than torch has",
      legacy(new Pickle().tensor({ shape: Array(65).fill(1), stride: Array(65).fill(1) }).end()),
      "a tensor is not described by a storage, an offset, sizes and strides",
    ],
    ["has an extension opcode", legacy(new Pickle().op("\x82", 1).end()), "opcode 0x82 at byte"],
    [
      "has a text protocol",
      legacy(Buffer.from([0x80, 1, 0x4e, 0x2e])),
      "finetag does not read pickle protocol 1",
    ],
    [
      "has an integer of a gigabyte",
      legacy(new Pickle().op("\x8b", 0, 0, 0, 0x40).end()),
      "the pickle has an integer of 1073741824 bytes",
    ],
    [
      "has a text of two gigabytes",
      legacy(new Pickle().op("X", 0, 0, 0, 0x80).end()),
      "the pickle is cut off",
    ],
    [
      "makes an object the old way",
      legacy(new Pickle().op("(iposix\nsystem\n").end()),
      'asks Python for "posix.system", which finetag refuses',
    ],
    [
      "names a global with a line break",
      legacy(new Pickle().text("po\nsix").text("system").op("\x93").end()),
      'asks Python for "po\\nsix.system", which finetag refuses',
    ],
    [
      "has a storage whose key has a line break",
      legacy(new Pickle().tensor({ key: "a\nb" }).end()),
      'the data of storage "0" belongs to no tensor',
    ],
    [
      "lacks a storage whose key has a line break",
      legacy(new Pickle().tensor({ key: "a\nb" }).end(), []),
      'the data of storage "a\\nb" is missing',
    ],
    [
      "is a dict that contains itself",
      legacy(new Pickle().op("}q", 0).text("model").op("h", 0).op("s").end(), []),
      "it holds no tensors by name (no state dict)",
    ],
    [
      "has a state of another machine",
      legacy(new Pickle().int(7).end()).with(15 + 3, 0),
      "its protocol is 768, not 1001",
    ],
  ];

  it.each(cases)("%s", async (_, bytes, message) => {
    await writeFile(join(dir, "a.bin"), bytes);
    const error = await openPytorch(join(dir, "a.bin")).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^[^\n]*a\.bin: [^\n]*$/);
  });

  it("is longer than a first look at it", async () => {
    const pickle = new Pickle().op("(");
    const filler = "x".repeat(1000);
    for (let i = 0; i < 3000; i++) pickle.text(filler);
    await writeFile(join(dir, "a.bin"), legacy(pickle.op("1").tensor().end()));
    const file = await openPytorch(join(dir, "a.bin"));
    expect(file.entries().length).toBe(1);
    await file.close();
  });
});
