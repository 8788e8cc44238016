import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSafetensors, openWeights } from "../../src/checkpoint/index.ts";
import { openPytorch } from "../../src/checkpoint/pytorch/read.ts";
import { readAll } from "./tensors.ts";

const FIXTURES = fileURLToPath(new URL("fixtures/pytorch", import.meta.url));
const fixture = (name: string) => join(FIXTURES, name);

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "finetag-pytorch-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe("what torch.save wrote", () => {
  it.each(["zip.bin", "legacy.bin"])("%s: every dtype, stride, offset and shared storage", async (name) => {
    const golden = await openSafetensors(fixture("golden.safetensors"));
    const file = await openPytorch(fixture(name));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(file.entries().sort(byName)).toEqual(golden.entries().sort(byName));
    for (const { name: tensor } of golden.entries()) {
      expect(await file.readBytes(tensor), tensor).toEqual(await golden.readBytes(tensor));
    }
    expect([...(await file.read("half_transposed"))]).toEqual([
      0,
      2 ** -24,
      -0,
      65504,
      1,
      Infinity,
      -2.5,
      -Infinity,
    ]);
    await expect(file.read("position_ids")).rejects.toMatchObject({
      message: `${fixture(name)}: tensor "position_ids" is I64, not a float; save the model as F32, F16 or BF16`,
    });
    await expect(file.read("toString")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    await Promise.all([golden.close(), file.close()]);
    await file.close();
  });

  it.each([
    ["module.bin", ""],
    ["checkpoint4.pt", "state_dict.module."],
    ["checkpoint5.pt", "model.module."],
  ])("%s: a module's state dict, also inside a training program's checkpoint", async (name, prefix) => {
    expect(await readAll(await openPytorch(fixture(name)))).toEqual({
      [`${prefix}weight`]: [0, 1, 2, 3, 4, 5],
      [`${prefix}bias`]: [0, 0, 0],
    });
  });

  it("trained.pt: a state dict beside other tensors, and an optimizer's state, which is passed over", async () => {
    expect(await readAll(await openPytorch(fixture("trained.pt")))).toEqual({
      best_loss: [0.25],
      "model.weight": [0, 1, 2, 3, 4, 5],
      "model.bias": [0, 0, 0],
    });
  });
});

describe("a file that asks for more than weights", () => {
  it.each([
    ["system.bin", "posix.system"],
    ["system-legacy.bin", "posix.system"],
    ["eval.bin", "builtins.eval"],
    ["model.bin", "torch.nn.modules.linear.Linear"],
  ])("%s is refused by the name of %s, and nothing runs", async (name, global) => {
    await expect(openPytorch(fixture(name))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message:
        `${fixture(name)}: asks Python for "${global}", which is refused: it is no part of plain weights; nothing was ` +
        "run. If you trust the file, save the model's weights alone: `torch.save(model.state_dict(), path)`",
    });
    expect(existsSync("finetag-was-here")).toBe(false);
  });
});

describe("a file that cannot be read", () => {
  it.each([
    ["empty.bin", "it holds no tensors by name (no state dict)"],
    [
      "deflated.bin",
      '"module/byteorder" is compressed or encrypted, as torch.save leaves nothing; save it again with it',
    ],
    [
      "big-endian.bin",
      'its numbers are in byte order "big", which is not read; save it again on a little-endian machine',
    ],
  ])("%s", async (name, message) => {
    await expect(openPytorch(fixture(name))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(`${fixture(name)}: ${message}`),
    });
  });

  it.each([
    ["nothing", "", "it does not begin as torch.save begins a file"],
    [
      "a pointer of Git LFS",
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440473133\n",
      "it is a pointer of Git LFS, without the weights (`git lfs pull` fetches them)",
    ],
    [
      "a zip archive of nothing",
      `PK\x05\x06${"\0".repeat(18)}`,
      "it does not begin as torch.save begins a file",
    ],
    ["a zip archive that is cut off", "PK\x03\x04", "nd of central directory record"],
  ])("%s", async (_, contents, message) => {
    await writeFile(join(dir, "a.bin"), contents, "latin1");
    await expect(openPytorch(join(dir, "a.bin"))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(message),
    });
  });

  // Each is a number of the archive's own records, which torch writes in their 64-bit forms.
  it.each([
    ["the end record of the 64-bit form is at no place", "PK\x06\x07", 8],
    ["the directory is at no place", "PK\x06\x06", 48],
    ["the directory has no end", "PK\x06\x06", 32],
  ])("a zip archive where %s", async (_, signature, offset) => {
    const bytes = await readFile(fixture("module.bin"));
    for (const value of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 31n]) {
      bytes.writeBigUInt64LE(value, bytes.lastIndexOf(signature, undefined, "latin1") + offset);
      await writeFile(join(dir, "a.bin"), bytes);
      await expect(openPytorch(join(dir, "a.bin")), String(value)).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: expect.stringMatching(/a\.bin: [^\n]*; the file is damaged, fetch or save it again$/),
      });
    }
  });

  it("has other data than its checksums say", async () => {
    const bytes = await readFile(fixture("zip.bin"));
    const file = await openPytorch(fixture("zip.bin"));
    const base = Buffer.from((await file.readBytes("contiguous")).buffer);
    await file.close();
    const path = join(dir, "a.bin");
    await writeFile(path, bytes.with(bytes.indexOf(base) + 95, 0x7f));
    const damaged = await openPytorch(path);
    // A part of the storage that is whole in itself is refused as well.
    for (const name of ["contiguous", "transposed", "rows", "rows"]) {
      await expect(damaged.read(name), name).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: expect.stringMatching(
          /a\.bin: the checksum of the data at byte \d+ is wrong; the file is damaged/,
        ),
      });
    }
    expect([...(await damaged.read("scalar"))]).toEqual([7]);
    await damaged.close();
  });
});

describe("a directory", () => {
  it("may hold shards, with an index", async () => {
    await copyFile(fixture("module.bin"), join(dir, "pytorch_model-00001-of-00002.bin"));
    await copyFile(fixture("zip.bin"), join(dir, "pytorch_model-00002-of-00002.bin"));
    const weightMap = {
      weight: "pytorch_model-00001-of-00002.bin",
      rows: "pytorch_model-00002-of-00002.bin",
    };
    const index = join(dir, "pytorch_model.bin.index.json");
    await writeFile(index, JSON.stringify({ weight_map: weightMap }));
    const file = await openWeights(dir);
    expect(file.format).toBe("PyTorch, 2 shards");
    expect(Object.keys(await readAll(file))).toEqual(["weight", "rows"]);
    await writeFile(index, JSON.stringify({ weight_map: { weight: "../pytorch_model.bin" } }));
    await expect(openWeights(dir)).rejects.toMatchObject({
      message: `${index}: tensor "weight" is said to be in "../pytorch_model.bin", which is not the name of a PyTorch file (.bin) beside it`,
    });
  });

  it("may hold one file under another name, beside what Trainer leaves", async () => {
    await copyFile(fixture("checkpoint4.pt"), join(dir, "best.pt"));
    for (const name of ["training_args.bin", "optimizer.pt", "rng_state.pth"])
      await writeFile(join(dir, name), "");
    expect(Object.keys(await readAll(await openWeights(dir)))).toEqual([
      "state_dict.module.weight",
      "state_dict.module.bias",
    ]);
    await copyFile(fixture("checkpoint4.pt"), join(dir, "last.pt"));
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${dir}: holds 2 PyTorch files (best.pt, last.pt); name the one that is meant pytorch_model.bin`,
    });
  });
});

/** A pickle of protocol 2, of parts that need not make sense. */
class Pickle {
  readonly #parts: Buffer[] = [Buffer.from([0x80, 2])];

  op(code: string, ...rest: (number | Buffer)[]): this {
    const bytes = rest.map((part) => (typeof part === "number" ? Buffer.of(part) : part));
    this.#parts.push(Buffer.from(code, "latin1"), ...bytes);
    return this;
  }

  text(value: string): this {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(value.length);
    return this.op("X", length, Buffer.from(value));
  }

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return this.op("J", bytes);
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return this.op("\x8a", 8, bytes);
  }

  tuple(values: (number | bigint)[]): this {
    this.op("(");
    for (const value of values) typeof value === "bigint" ? this.long(value) : this.int(value);
    return this.op("t");
  }

  /** A dict of one tensor `a` of a float storage `0`. */
  tensor({
    elements = 2,
    offset = 0,
    shape = [2],
    stride = [1],
    view = [] as (number | bigint)[],
    key = "0",
  } = {}): this {
    this.op("}").text("a").op("ctorch._utils\n_rebuild_tensor_v2\n").op("(");
    this.op("(").text("storage").op("ctorch\nFloatStorage\n").text(key).text("cpu").int(elements);
    if (view.length > 0) this.tuple(view);
    else this.op("N");
    return this.op("tQ").int(offset).tuple(shape).tuple(stride).op("\x89N").op("tRs");
  }

  end(): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from(".")]);
  }
}

/** The form before PyTorch 1.6, with one storage of two floats. */
function legacy(pickle: Buffer, keys = ["0"], littleEndian = true, data = Buffer.alloc(16, 1)): Buffer {
  data.writeBigInt64LE(BigInt((data.byteLength - 8) / 4), 0);
  const list = new Pickle().op("](");
  for (const key of keys) list.text(key);
  return Buffer.concat([
    new Pickle().op("\x8a", 10, Buffer.from("6cfc9c46f9206aa85019", "hex")).end(),
    new Pickle().op("M", 0xe9, 3).end(),
    new Pickle()
      .op("}")
      .text("little_endian")
      .op(littleEndian ? "\x88" : "\x89")
      .op("s")
      .end(),
    pickle,
    list.op("e").end(),
    data,
  ]);
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
      "repeats one element a million times",
      legacy(new Pickle().tensor({ shape: [1_000_000], stride: [0] }).end()),
      "a tensor of sizes [1000000] and strides [0] at 0 does not fit into its storage of 2 elements",
    ],
    [
      "has sizes whose product is no number any more",
      legacy(new Pickle().tensor({ shape: Array(40).fill(2 ** 30), stride: Array(40).fill(0) }).end()),
      "does not fit into its storage",
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
      "a tensor of sizes [1, 2] and strides [1] has not one for each",
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
    ["lacks the data of a storage", legacy(plain().end(), []), 'the data of storage "0" is not in it'],
    [
      "has the data of a storage twice",
      legacy(plain().end(), ["0", "0"]),
      'the data of storage "0" belongs to no tensor, or comes twice',
    ],
    [
      "has data that belong to nothing",
      legacy(plain().end(), ["x"]),
      'the data of storage "x" belongs to no tensor, or comes twice',
    ],
    [
      "is of another byte order",
      legacy(plain().end(), ["0"], false),
      "its numbers are not in little-endian byte order",
    ],
    ["pops what is not there", legacy(new Pickle().op("0\x85").end()), "the pickle takes more than it has"],
    ["pops a mark", legacy(new Pickle().op("(\x85").end()), "the pickle takes more than it has"],
    ["ends without a value", legacy(new Pickle().end()), "the pickle takes more than it has"],
    [
      "gets what it has not stored",
      legacy(new Pickle().op("h", 7).end()),
      "takes value 7, which it has not stored",
    ],
    [
      "sets items of a number",
      legacy(new Pickle().int(1).int(2).int(3).op("s").end()),
      "sets items of no dict",
    ],
    ["sets half an item", legacy(new Pickle().op("}(").int(1).op("u").end()), "sets items of no dict"],
    ["appends to a dict", legacy(new Pickle().op("}").int(1).op("a").end()), "appends to what is no list"],
    ["adds to a list", legacy(new Pickle().op("](").int(1).op("\x90").end()), "adds to what is no set"],
    ["calls a number", legacy(new Pickle().int(1).op(")R").end()), "the pickle calls what cannot be called"],
    [
      "calls a storage class",
      legacy(new Pickle().op("ctorch\nFloatStorage\n)R").end()),
      "the pickle calls torch.FloatStorage",
    ],
    [
      "makes an OrderedDict of numbers",
      legacy(new Pickle().op("ccollections\nOrderedDict\n").int(1).op("\x85R").end()),
      "an OrderedDict is made of what is no list of pairs",
    ],
    [
      "gives a number attributes",
      legacy(new Pickle().int(1).op("}b").end()),
      "the pickle gives attributes to what has none",
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
    ["has an extension opcode", legacy(new Pickle().op("\x82", 1).end()), "opcode 0x82 at byte"],
    ["has a text protocol", legacy(Buffer.from([0x80, 1, 0x4e, 0x2e])), "pickle protocol 1 is not read"],
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
      'asks Python for "posix.system", which is refused',
    ],
    [
      "names a global with a line break",
      legacy(new Pickle().text("po\nsix").text("system").op("\x93").end()),
      'asks Python for "po\\nsix.system", which is refused',
    ],
    [
      "has a storage whose key has a line break",
      legacy(new Pickle().tensor({ key: "a\nb" }).end()),
      'the data of storage "0" belongs to no tensor',
    ],
    [
      "lacks a storage whose key has a line break",
      legacy(new Pickle().tensor({ key: "a\nb" }).end(), []),
      'the data of storage "a\\nb" is not in it',
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
