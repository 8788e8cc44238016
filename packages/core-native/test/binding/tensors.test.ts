import { describe, expect, it } from "vitest";
import { create, ready, refused } from "./sessions.ts";
import { batch, training } from "./tiny.ts";

describe("tensors", () => {
  it("reads parts of stacked parameters as they were written", async () => {
    const session = await ready();
    for (const part of ["query", "key", "value"]) {
      const name = `bert.encoder.layer.1.attention.self.${part}.weight`;
      const data = Float32Array.from({ length: 32 * 32 }, () => Math.random());
      expect(await session.writeTensor("weight", name, data)).toBe(true);
      expect(await session.readTensor("weight", name)).toEqual(data);
    }
  });

  it("refuses memory that could be taken back while it is worked on", async () => {
    const session = await ready();
    const resizable = new Float32Array(
      new (ArrayBuffer as never as new (n: number, o: object) => ArrayBuffer)(12, { maxByteLength: 24 }),
    );
    for (const call of [
      () => session.writeTensor("weight", "classifier.bias", resizable),
      () => session.readPart("weight", "classifier.bias", 0, resizable),
    ]) {
      expect(await refused(call())).toMatch(
        /^ERR_FINETAG_ARGUMENT: (data|target) must not use a resizable ArrayBuffer$/,
      );
    }
    const gone = new Float32Array(3);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(await refused(session.writeTensor("weight", "classifier.bias", gone))).toMatch(/not 0$/);
  });

  it("tells whether what is written is finite", async () => {
    const session = await ready();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(await session.writeTensor("weight", "classifier.bias", new Float32Array([1, value, 2]))).toBe(
        false,
      );
    }
    expect(await session.writeTensor("weight", "classifier.bias", new Float32Array([1, -3.4e38, 2]))).toBe(
      true,
    );
  });

  it("takes a tensor in parts, and counts it as filled with the last one", async () => {
    const session = await create();
    const names = session.parameters().map(({ name }) => name);
    const large = "bert.encoder.layer.1.attention.self.key.weight";
    await session.initialize(names.filter((name) => name !== large));
    const data = Float32Array.from({ length: 32 * 32 }, (_, i) => i);
    await session.writeTensor("weight", large, data.subarray(0, 1000), 0);
    expect(await refused(session.forward(batch(1)))).toMatch(
      /key.weight" was neither loaded nor initialised/,
    );
    await session.writeTensor("weight", large, data.subarray(1000), 1000);
    expect(await session.readTensor("weight", large)).toEqual(data);
    expect((await session.forward(batch(1))).logits).toHaveLength(3);
    const bias = "classifier.bias";
    for (const [length, begin] of [
      [2, 2],
      [1, 4],
      [1, -1],
    ] as const) {
      const written = session.writeTensor("weight", bias, new Float32Array(length), begin);
      expect(await refused(written)).toMatch(new RegExp(`holds 3 values, not ${length} from ${begin} on`));
    }
    expect(await refused(session.writeTensor("weight", bias, new Float32Array(1), 0.5))).toMatch(
      /begin must/,
    );
  });

  it("reads parts of a tensor into the caller's memory", async () => {
    const session = await ready();
    const name = "bert.embeddings.word_embeddings.weight";
    const whole = await session.readTensor("weight", name);
    const memory = new Float32Array(12).fill(7);
    expect(await session.readPart("weight", name, 5, memory.subarray(1, 11))).toBe(true);
    expect(memory).toEqual(Float32Array.of(7, ...whole.subarray(5, 15), 7));
    expect(await session.readPart("weight", name, whole.length - 12, memory)).toBe(true);
    expect(memory).toEqual(whole.slice(-12));
    expect(await refused(session.readPart("weight", name, whole.length - 11, memory))).toMatch(
      /ERR_FINETAG_ARGUMENT: .* holds \d+ values, not 12 from \d+ on$/,
    );
    expect(await refused(session.readPart("weight", name, -1, memory))).toMatch(/not 12 from -1 on$/);
    await session.writeTensor("weight", name, Float32Array.of(Number.NaN), 4);
    expect(await session.readPart("weight", name, 5, memory)).toBe(true);
    expect(await session.readPart("weight", name, 4, memory)).toBe(false);
  });

  it("turns what comes as the transpose, in parts of whole rows", async () => {
    const session = await create();
    const { name, shape } = session.parameters().find((each) => each.name.endsWith("1.output.dense.weight"))!;
    const [rows, columns] = shape as [number, number];
    expect(rows).not.toBe(columns);
    const data = Float32Array.from({ length: rows * columns }, (_, i) => i);
    const expected = data.map((_, i) => (i % columns) * rows + Math.floor(i / columns));
    for (const step of [1, 16, 19, columns]) {
      await session.writeTensor("weight", name, new Float32Array(data.length));
      for (let begin = 0; begin < data.length; begin += step * rows) {
        await session.writeTensor("weight", name, data.subarray(begin, begin + step * rows), begin, true);
      }
      expect(await session.readTensor("weight", name), `${step} rows at a time`).toEqual(expected);
    }
    for (const [length, begin] of [
      [rows + 1, 0],
      [rows, 1],
    ] as const) {
      const written = session.writeTensor("weight", name, new Float32Array(length), begin, true);
      expect(await refused(written)).toMatch(/takes a transpose only if/);
    }
    const bias = session.writeTensor("weight", "classifier.bias", new Float32Array(3), 0, true);
    expect(await refused(bias)).toMatch(/if it is a matrix/);
  });

  it("refuses to write a gradient, and no moment changes", async () => {
    const session = await ready();
    await session.configureTraining(training);
    await session.trainStep([batch(4)]);
    await session.backward(batch(4));
    const read = () =>
      Promise.all(
        (["grad", "exp_avg", "exp_avg_sq"] as const).map((kind) =>
          session.readTensor(kind, "classifier.bias"),
        ),
      );
    const before = await read();
    const written = session.writeTensor("grad" as never, "classifier.bias", new Float32Array([1, 2, 3]));
    expect(await refused(written)).toBe(
      "ERR_FINETAG_ARGUMENT: a gradient cannot be written; write weight, exp_avg or exp_avg_sq",
    );
    expect(await read()).toEqual(before);
  });
});
