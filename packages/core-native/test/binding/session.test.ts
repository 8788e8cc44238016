import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { addonPath, loadAddon, type NativeSession } from "../../lib/index.ts";
import { batch, config, session as options, training } from "./tiny.ts";

const addon = loadAddon();
const open: NativeSession[] = [];

async function ready(more = {}): Promise<NativeSession> {
  const session = await addon.createSession(options(more));
  open.push(session);
  await session.initialize(session.parameters().map((parameter) => parameter.name));
  return session;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.dispose()));
});

const refused = (call: Promise<unknown>) =>
  call.then(
    () => "was accepted",
    (error: Error & { code: string }) => `${error.code}: ${error.message}`,
  );

describe("addon", () => {
  it("tells what it is built on", () => {
    const info = addon.info();
    expect(info.libtorch).toMatch(/^\d+\.\d+\.\d+$/);
    expect(["cpu", "cuda"]).toContain(info.variant);
    expect(info.threads).toBeGreaterThan(0);
  });

  const cpuinfo = process.platform === "linux" ? readFileSync("/proc/cpuinfo", "utf8") : "";
  const flags = new Set(/^flags\s*: (.*)$/m.exec(cpuinfo)?.[1]?.split(" "));

  const cache = readFileSync(join(dirname(addonPath()), "..", "CMakeCache.txt"), "utf8");
  const isPortable = /^FINETAG_PORTABLE:BOOL=ON$/m.test(cache);
  /** What a portable build takes: like libtorch, it heeds this variable. */
  const atMost = (best: string) => {
    const most = process.env.ATEN_CPU_CAPABILITY ?? "avx512";
    if (most === "default") return "baseline";
    return most === "avx512" || best === "baseline" ? best : "avx2";
  };

  it.runIf(flags.size > 0)(
    "tells the instruction set of its kernels, which is the best of this machine",
    () => {
      const has = (...names: string[]) => names.every((name) => flags.has(name));
      const best = has("avx512f", "avx512bw", "avx512dq", "avx512vl")
        ? "avx512"
        : has("avx2", "fma")
          ? "avx2"
          : "baseline";
      expect(addon.info().kernels).toBe(isPortable ? atMost(best) : best);
    },
  );

  it.runIf(process.platform === "linux")("brings one OpenMP runtime, libtorch's", async () => {
    const session = await ready({ threads: 2 });
    await session.forward(batch(8));
    const libraries = readFileSync("/proc/self/maps", "utf8").match(/\/.*\.(?:so|node)\b.*$/gm) ?? [];
    const runtimes = new Set(libraries.filter((path) => /^lib[gi]?omp/.test(basename(path))));
    expect([...runtimes].map(dirname)).toEqual([
      dirname(libraries.find((path) => /libtorch_cpu/.test(path))!),
    ]);
  });

  it("refuses bad options by name", async () => {
    const tries: [object, string][] = [
      [{ threads: 0 }, "threads must lie between 1 and 4096"],
      [{ threads: 1.5 }, "threads must be a whole number"],
      [{ seed: -1 }, "seed must be an unsigned 32-bit integer"],
      [{ precision: "fp8" }, 'precision must not be "fp8"'],
      [{ config: { ...config, hiddenSize: 33 } }, "hiddenSize must be a multiple of numAttentionHeads"],
      [{ config: { ...config, numLabels: 0 } }, "numLabels must be positive"],
      [{ config: { ...config, vocabSize: "60" } }, "vocabSize must be a number"],
      [{ config: { ...config, hiddenDropoutProb: 1 } }, "hiddenDropoutProb must be at least 0 and below 1"],
      [{ config: undefined }, "config must be an object"],
    ];
    for (const [more, message] of tries) {
      expect(await refused(addon.createSession(options(more)))).toBe(`ERR_FINETAG_ARGUMENT: ${message}`);
    }
  });

  it("tells that memory was refused, so that others can say what helps", async () => {
    const huge = options({ config: { ...config, vocabSize: 2 ** 40 } });
    expect(await refused(addon.createSession(huge))).toMatch(
      /^ERR_FINETAG_OUT_OF_MEMORY: out of memory: the system refused \d{14,} bytes$/,
    );
  });

  it("says what is wrong where there is no such device", async () => {
    expect(await refused(addon.createSession(options({ device: "tpu" })))).toMatch(
      /^ERR_FINETAG_DEVICE: unknown/,
    );
    if (addon.info().cudaDevices.length > 0) return;
    expect(await refused(addon.createSession(options({ device: "cuda" })))).toMatch(
      /^ERR_FINETAG_DEVICE: device "cuda" asked for, but (?!.*;).*$/,
    );
  });
});

describe("session", () => {
  it("trains, and a step counts", async () => {
    const session = await ready();
    await session.configureTraining(training);
    const first = await session.trainStep([batch(4)]);
    expect(first).toMatchObject({ step: 1, learningRate: 0 });
    const losses = [];
    for (let i = 0; i < 60; i++) losses.push((await session.trainStep([batch(4)])).loss);
    expect(Math.min(...losses.slice(-10))).toBeLessThan(losses[0]! * 0.7);
    expect(session.getStep()).toBe(61);
  });

  it("copies the batch before the call returns", async () => {
    const session = await ready();
    const plain = await session.forward(batch(3));
    const changed = batch(3);
    const promise = session.forward(changed);
    changed.ids.fill(5);
    changed.cuSeqlens.fill(-1);
    expect((await promise).logits).toEqual(plain.logits);
  });

  it("runs calls in their order", async () => {
    const session = await ready();
    const name = "classifier.bias";
    const [, first, , second] = await Promise.all([
      session.writeTensor("weight", name, new Float32Array([1, 2, 3])),
      session.readTensor("weight", name),
      session.writeTensor("weight", name, new Float32Array([4, 5, 6])),
      session.readTensor("weight", name),
    ]);
    expect([...first, ...second]).toEqual([1, 2, 3, 4, 5, 6]);
  });

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
        /^ERR_FINETAG_ARGUMENT: (data|target) must not lie in a resizable ArrayBuffer$/,
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
    const session = await addon.createSession(options());
    open.push(session);
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
    const session = await addon.createSession(options());
    open.push(session);
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
      expect(await refused(written)).toMatch(/takes a transpose in rows of/);
    }
    const bias = session.writeTensor("weight", "classifier.bias", new Float32Array(3), 0, true);
    expect(await refused(bias)).toMatch(/if it is a matrix/);
  });

  it("gives the loss sum and count that make the mean", async () => {
    const session = await ready();
    const result = await session.forward(batch(5));
    let sum = 0;
    const { labels } = batch(5);
    result.logits.forEach((x, i) => {
      sum += Math.max(x, 0) - x * labels![i]! + Math.log1p(Math.exp(-Math.abs(x)));
    });
    expect(result.lossCount).toBe(15);
    // The engine adds 15 terms in float32.
    expect(result.lossSum).toBeCloseTo(sum, 4);
  });

  it("runs in bf16 where the CPU has it", async ({ skip }) => {
    if (!addon.info().bf16Devices.includes("cpu")) {
      expect(await refused(addon.createSession(options({ precision: "bf16" })))).toMatch(
        /no bf16 instructions/,
      );
      skip("this CPU has no bf16 instructions");
    }
    const full = await (await ready()).forward(batch(4));
    const half = await ready({ precision: "bf16" });
    const { logits } = await half.forward(batch(4));
    // bf16 has 8 bits of mantissa: about 2 to 3 digits survive two layers.
    logits.forEach((x, i) => {
      expect(Math.abs(x - full.logits[i]!)).toBeLessThan(0.1);
    });
    expect(logits).not.toEqual(full.logits);
    await half.configureTraining(training);
    const losses = [];
    for (let i = 0; i < 60; i++) losses.push((await half.trainStep([batch(4)])).loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.8);
  });

  it("runs in int8, takes less memory after the first pass, and does not train", async () => {
    const full = await (await ready()).forward(batch(4));
    const quantized = await ready({ precision: "int8" });
    const before = quantized.nativeBytes();
    const { logits, lossSum } = await quantized.forward(batch(4));
    // 8 bits leave about 1% in a product, 7 bits 2%; logits here are about 1, and so are their sums.
    logits.forEach((x, i) => {
      expect(Math.abs(x - full.logits[i]!)).toBeLessThan(0.3);
    });
    expect(logits).not.toEqual(full.logits);
    expect(lossSum).toBeGreaterThan(0);
    expect(quantized.nativeBytes()).toBeLessThan(before);
    for (const refusal of [
      quantized.configureTraining(training),
      quantized.trainStep([batch(4)]),
      quantized.backward(batch(4)),
    ]) {
      expect(await refused(refusal)).toMatch(/^ERR_FINETAG_ARGUMENT: /);
    }
    const name = "bert.encoder.layer.0.output.dense.weight";
    expect(await refused(quantized.readTensor("weight", name))).toMatch(/is in int8 by now/);
    expect((await quantized.forward(batch(4))).logits).toEqual(logits);
  });

  it("refuses what does not fit, and goes on working", async () => {
    const session = await ready();
    const good = batch(2);
    expect(await refused(session.forward({ ...good, ids: new Int32Array([1]) }))).toMatch(/same length/);
    expect(await refused(session.forward({ ...good, ids: [1] as never }))).toMatch(
      /ids must be an Int32Array/,
    );
    expect(await refused(session.forward(undefined as never))).toMatch(/batch must be an object/);
    expect(await refused(session.trainStep([good]))).toMatch(/training is not configured/);
    expect(await refused(session.readTensor("weight", "nobody"))).toMatch(/no parameter "nobody"/);
    expect(await refused(session.readTensor("moment" as never, "classifier.bias"))).toMatch(
      /kind must not be/,
    );
    expect(await refused(session.writeTensor("weight", "classifier.bias", new Float32Array(4)))).toMatch(
      /holds 3 values, not 4/,
    );
    expect(await refused(session.setStep(-1))).toMatch(/step must fit/);
    expect((await session.forward(good)).logits).toHaveLength(6);
  });

  it("does not use weights that nobody filled", async () => {
    const session = await addon.createSession(options());
    open.push(session);
    expect(await refused(session.forward(batch(1)))).toMatch(
      /parameter "bert.embeddings.word_embeddings.weight" was neither loaded nor initialised/,
    );
  });

  it("forgets the memory of a session that is disposed while its optimizer is made", async () => {
    const session = await ready();
    const configured = session.configureTraining(training).catch(() => {});
    await Promise.all([configured, session.dispose()]);
    expect(session.nativeBytes()).toBe(0);
  });

  it("refuses calls on an object that nobody opened", async () => {
    const session = await ready();
    const stray = new (session.constructor as new () => NativeSession)();
    expect(await refused(stray.forward(batch(1)))).toBe("ERR_FINETAG_DISPOSED: the session is not open");
    await stray.dispose();
  });

  it("rejects, and does not throw, where an argument's getter throws", async () => {
    const session = await ready();
    const trap = {
      get ids(): never {
        throw new Error("on purpose");
      },
    };
    expect(await refused(session.forward(trap as never))).toMatch(/on purpose/);
  });

  it("can be disposed twice, rejects what waits, and what comes later", async () => {
    const session = await ready();
    await session.configureTraining(training);
    const calls = Array.from({ length: 100 }, () => refused(session.trainStep([batch(64)])));
    await Promise.all([session.dispose(), session.dispose()]);
    const outcomes = await Promise.all(calls);
    expect(outcomes.at(-1)).toMatch(/^ERR_FINETAG_DISPOSED/);
    expect(await refused(session.forward(batch(1)))).toMatch(/^ERR_FINETAG_DISPOSED/);
    await session.dispose();
  });
});
