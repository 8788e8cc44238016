import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { openSafetensors, type TensorFile } from "../../src/weights/index.ts";
import { folder, folderForEach } from "../folder.ts";
import { randomNumbers } from "../random.ts";
import { build } from "./build.ts";
import { writeSafetensors } from "./write.ts";

const REFERENCE = fileURLToPath(new URL("fixtures/dtypes.safetensors", import.meta.url));

folderForEach();

let path: string;

beforeEach(async () => {
  path = join(folder, "model.safetensors");
});

async function withFile<T>(file: string, use: (tensors: TensorFile) => Promise<T>): Promise<T> {
  const tensors = await openSafetensors(file);
  try {
    return await use(tensors);
  } finally {
    await tensors.close();
  }
}

describe("reading what the reference library wrote", () => {
  it.each([
    ["f16", [0, -0, 1, -2.5, 2 ** -24, 65504, Infinity, -Infinity]],
    ["bf16", [0, -0, 1, -2.5, 3.140625, 2 ** -133, Infinity, -Infinity]],
    ["f32", [0, -0, 1, -2.5, 2 ** -149, Infinity]],
    ["f64", [Math.fround(0.1), -Infinity, 1]],
    ["scalar", [7]],
    ["empty", []],
  ])("converts %s", async (name, values) => {
    await withFile(REFERENCE, async (tensors) => {
      expect([...(await tensors.read(name))]).toEqual(values);
    });
  });

  it("lists names, dtypes, shapes and metadata", async () => {
    await withFile(REFERENCE, async (tensors) => {
      expect(tensors.metadata).toEqual({ format: "pt" });
      expect(tensors.entries().sort((a, b) => a.name.localeCompare(b.name))).toEqual([
        { name: "bf16", dtype: "BF16", shape: [8] },
        { name: "empty", dtype: "F32", shape: [0, 3] },
        { name: "f16", dtype: "F16", shape: [8] },
        { name: "f32", dtype: "F32", shape: [2, 3] },
        { name: "f64", dtype: "F64", shape: [3] },
        { name: "i64", dtype: "I64", shape: [1, 3] },
        { name: "scalar", dtype: "F32", shape: [] },
      ]);
    });
  });

  it("gives integers as bytes only, and knows no other names", async () => {
    await withFile(REFERENCE, async (tensors) => {
      const bytes = await tensors.readBytes("i64");
      expect([...new BigInt64Array(bytes.buffer, bytes.byteOffset, 3)]).toEqual([0n, 1n, -1n]);
      await expect(tensors.read("i64")).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: `${REFERENCE}: tensor "i64" is I64, not a float; save the model as F32, F16 or BF16`,
      });
      await expect(tensors.read("toString")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    });
  });

  it("gives a large tensor in parts, in their order", async () => {
    const data = Float32Array.from({ length: 5_000_001 }, (_, i) => i);
    const header = { a: { dtype: "F32", shape: [data.length], data_offsets: [0, data.byteLength] } };
    await writeFile(path, build(header, new Uint8Array(data.buffer)));
    await withFile(path, async (tensors) => {
      let begin = 0;
      for await (const part of tensors.readParts("a")) {
        const { data: floats } = part;
        expect(floats.byteLength).toBeLessThanOrEqual(2 << 20);
        expect([part.begin, floats[0], floats.at(-1)]).toEqual([begin, begin, begin + floats.length - 1]);
        begin += floats.length;
      }
      expect(begin).toBe(data.length);
      expect(Buffer.from((await tensors.read("a")).buffer).equals(Buffer.from(data.buffer))).toBe(true);
    });
  });

  it("gives parts of several tensors in turns, also when the reading of one is given up", async () => {
    const length = 2_000_000;
    const data = Float32Array.from({ length: 3 * length }, (_, i) => i);
    const header = Object.fromEntries(
      ["a", "b", "c"].map((name, i) => {
        return [
          name,
          { dtype: "F32", shape: [length], data_offsets: [4 * i * length, 4 * (i + 1) * length] },
        ];
      }),
    );
    await writeFile(path, build(header, new Uint8Array(data.buffer)));
    await withFile(path, async (tensors) => {
      const check = async (name: string, first: number, parts: number) => {
        let seen = 0;
        for await (const { data: floats, begin } of tensors.readParts(name)) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          // While it is in use, no other part is read into it.
          expect(floats.findIndex((value, i) => value !== first + begin + i)).toBe(-1);
          if (++seen === parts) break;
        }
        return seen;
      };
      const all = [check("a", 0, 99), check("b", length, 1), check("c", 2 * length, 99)];
      expect(await Promise.all(all)).toEqual([4, 1, 4]);
    });
  });

  it("may be closed twice", async () => {
    const tensors = await openSafetensors(REFERENCE);
    await tensors.close();
    await tensors.close();
  });
});

describe("float16", () => {
  it("converts all 65536 bit patterns exactly", async () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const header = { all: { dtype: "F16", shape: [65536], data_offsets: [0, 131072] } };
    await writeFile(path, build(header, new Uint8Array(bits.buffer)));
    const floats = await withFile(path, (tensors) => tensors.read("all"));
    const wrong = [...bits].filter((value) => !Object.is(floats[value], halfByDefinition(value)));
    expect(wrong).toEqual([]);
  });
});

/** The value that IEEE 754 gives the three fields. */
function halfByDefinition(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe("writeSafetensors", () => {
  const tensor = (name: string, shape: number[], values: number[]) => ({
    name,
    shape,
    read: async () => Float32Array.from(values),
  });

  it("writes what the reader reads, with the data 8-byte aligned and transformers' metadata", async () => {
    await writeSafetensors(path, [tensor("b.weight", [2, 2], [1, 2, 3, 4]), tensor("é", [1], [-0.5])], {
      step: "7",
    });
    await withFile(path, async (tensors) => {
      expect(tensors.metadata).toEqual({ format: "pt", step: "7" });
      expect(tensors.entries()).toEqual([
        { name: "b.weight", dtype: "F32", shape: [2, 2] },
        { name: "é", dtype: "F32", shape: [1] },
      ]);
      expect([...(await tensors.read("b.weight"))]).toEqual([1, 2, 3, 4]);
      expect([...(await tensors.read("é"))]).toEqual([-0.5]);
    });
    const bytes = await readFile(path);
    expect(Number(bytes.readBigUint64LE()) % 8).toBe(0);
  });

  it("asks for a tensor only when the one before it is written", async () => {
    const order: string[] = [];
    const sources = ["a", "b"].map((name) => ({
      name,
      shape: [1],
      read: async () => {
        const [temporary] = await readdir(folder);
        order.push(
          `${name} at ${(await readFile(join(folder, temporary!))).byteLength > 8 ? "header" : "start"}`,
        );
        return new Float32Array(1);
      },
    }));
    await writeSafetensors(path, sources);
    expect(order).toEqual(["a at header", "b at header"]);
  });

  it("leaves the older file when a tensor has another size or a name comes twice", async () => {
    await writeFile(path, "older");
    await expect(writeSafetensors(path, [tensor("a", [3], [1])])).rejects.toMatchObject({
      message: 'tensor "a" has 1 elements, but its shape [3] says 3',
    });
    await expect(writeSafetensors(path, [tensor("a", [0], []), tensor("a", [0], [])])).rejects.toMatchObject({
      message: 'there are two tensors named "a"',
    });
    expect(await readFile(path, "utf8")).toBe("older");
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
  });
});

describe("a file that is not what it says", () => {
  const one = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const four = new Uint8Array(4);
  const cases: [string, Uint8Array, string][] = [
    [
      "is cut a little before the end of its header",
      build({ a: one }, new Uint8Array(0)).subarray(0, -3),
      "truncated: it has",
    ],
    [
      "claims a huge header",
      build({}, four, 2n ** 63n),
      "its header length of 9223372036854775808 bytes is wrong",
    ],
    ["claims a header of 100 MB and one byte", build({}, four, 100_000_001n), "is wrong"],
    ["claims a header beyond its end", build({}, four, 99_000_000n), "its header alone should have 99000000"],
    [
      "has a shape of more dimensions than a tensor has",
      build({ a: { ...one, shape: Array(65).fill(1) } }, four),
      'tensor "a" has a shape that is not a list of up to 64 counts',
    ],
    [
      "has a dtype without an end",
      build(
        `{"a":{"dtype":${"[".repeat(100_000)}${"]".repeat(100_000)},"shape":[1],"data_offsets":[0,4]}}`,
        four,
      ),
      'tensor "a" has the unknown dtype object',
    ],
    ["has a header that is not JSON", build("{a}", four), "header is not JSON"],
    ["has a header that is a list", build("[]", four), "header is not a JSON object"],
    ["has a header with a space first", build(` {"a":${JSON.stringify(one)}}`, four), "is not a JSON object"],
    [
      "has a header that is not UTF-8",
      build('{"\xff"}', four).map((b) => (b === 0xc3 ? 0xff : b)),
      "is not UTF-8",
    ],
    [
      "names a tensor twice",
      build(`{"a\\u0062":${JSON.stringify(one)}, "ab":${JSON.stringify(one)}}`, four),
      'names "ab" twice',
    ],
    [
      "has metadata that are no strings",
      build({ __metadata__: { a: 1 }, a: one }, four),
      "not an object of strings",
    ],
    [
      "has an unknown dtype",
      build({ a: { ...one, dtype: "F31" } }, four),
      'tensor "a" has the unknown dtype "F31"',
    ],
    ["has a dtype from Object", build({ a: { ...one, dtype: "toString" } }, four), "unknown dtype"],
    ["has a tensor that is a string", build({ a: "x" }, four), "is not described by an object"],
    [
      "has a negative dimension",
      build({ a: { ...one, shape: [-1] } }, four),
      "shape that is not a list of up to 64 counts",
    ],
    [
      "has a fractional dimension",
      build({ a: { ...one, shape: [0.5, 2] } }, four),
      "shape that is not a list",
    ],
    ["has a huge dimension", build({ a: { ...one, shape: [2 ** 53] } }, four), "shape that is not a list"],
    ["has a huge product", build({ a: { ...one, shape: [2 ** 31, 2 ** 31] } }, four), "bytes and has 4"],
    [
      "has an infinite product",
      build({ a: { ...one, shape: Array(40).fill(2 ** 50) } }, four),
      "needs Infinity bytes",
    ],
    ["has one offset", build({ a: { ...one, data_offsets: [0] } }, four), "does not have two data offsets"],
    [
      "has offsets the wrong way round",
      build({ a: { ...one, data_offsets: [4, 0] } }, four),
      "before it begins",
    ],
    [
      "has a shape larger than its bytes",
      build({ a: { ...one, shape: [2] } }, four),
      "F32 [2] needs 8 bytes and has 4",
    ],
    [
      "overlaps",
      build({ a: one, b: { ...one, data_offsets: [2, 6] } }, new Uint8Array(6)),
      '"b" overlaps the previous',
    ],
    [
      "has a hole",
      build({ a: one, b: { ...one, data_offsets: [5, 9] } }, new Uint8Array(9)),
      'hole of 1 bytes before "b"',
    ],
    [
      "is cut in the data",
      build({ a: one }, new Uint8Array(3)),
      "truncated: there should be 4 bytes after the header, but there are 3",
    ],
    ["has bytes after the data", build({ a: one }, new Uint8Array(5)), "1 bytes belong to no tensor"],
  ];

  it.each(cases)("%s", async (_, bytes, message) => {
    await writeFile(path, bytes);
    const error = await openSafetensors(path).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^.*model\.safetensors: [^\n]*$/);
  });

  it("does not allocate what a header claims", async () => {
    const size = 2 ** 40; // sparse: no such disk is needed
    const header = { a: { dtype: "F32", shape: [size / 4], data_offsets: [0, size] } };
    await writeFile(path, build(header, new Uint8Array(0)));
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    const before = process.memoryUsage().rss;
    await truncate(path, (await readFile(path)).byteLength + size).catch(() => {});
    const result = await openSafetensors(path).then(
      async (tensors) => {
        const read = await tensors.read("a").catch((error) => error);
        await tensors.close();
        return read;
      },
      (error) => error,
    );
    expect(["ERR_FINETAG_OUT_OF_MEMORY", "ERR_FINETAG_MODEL"]).toContain(result.code);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it("is missing", async () => {
    await expect(openSafetensors(path)).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: `${path}: there is no such file; check the path`,
    });
  });
});

describe("fuzz", () => {
  it("refuses the reference file cut at every byte", async () => {
    const whole = await readFile(REFERENCE);
    for (let length = 0; length < whole.byteLength; length++) {
      await writeFile(path, whole.subarray(0, length));
      const error = await openSafetensors(path).catch((thrown) => thrown);
      expect(error, `cut to ${length} bytes`).toMatchObject({ code: "ERR_FINETAG_MODEL" });
    }
  });

  it("reads or refuses the reference file with random bytes, and never does anything else", async () => {
    const whole = await readFile(REFERENCE);
    const random = randomNumbers(7);
    for (let round = 0; round < 1500; round++) {
      const bytes = Uint8Array.from(whole);
      const flips = 1 + Math.floor(random() * 4);
      for (let i = 0; i < flips; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      await writeFile(path, bytes);
      const tensors = await openSafetensors(path).catch((error) => {
        expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
        return undefined;
      });
      if (tensors === undefined) continue;
      for (const entry of tensors.entries()) {
        expect((await tensors.readBytes(entry.name)).byteLength).toBeLessThan(bytes.byteLength);
      }
      await tensors.close();
    }
  });
});
