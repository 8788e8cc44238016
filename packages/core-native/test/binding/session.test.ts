import { describe, expect, it } from "vitest";
import type { NativeSession } from "../../lib/index.ts";
import { addon, create, ready, refused } from "./sessions.ts";
import { batch, training } from "./tiny.ts";

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

  it("takes the loss by name; binary cross-entropy is the one it has without", async () => {
    const named = await ready({ loss: { type: "bce_with_logits" } });
    expect(await named.forward(batch(5))).toEqual(await (await ready()).forward(batch(5)));
  });

  it("takes another loss while it is open, in the order of calls", async () => {
    const session = await ready();
    const before = await session.forward(batch(5));
    const [set, after] = await Promise.all([
      session.setLoss({ type: "bce_with_logits" }),
      session.forward(batch(5)),
    ]);
    expect(set).toBeUndefined();
    expect(after).toEqual(before);

    const unknown = { type: "bce" as "bce_with_logits" };
    expect(await refused(session.setLoss(unknown))).toMatch(
      /^ERR_FINETAG_ARGUMENT: loss\.type must be one of /,
    );
    const more = { type: "bce_with_logits" as const, gamma: 2 };
    expect(await refused(session.setLoss(more))).toMatch(/^ERR_FINETAG_ARGUMENT: .*no parameter "gamma"$/);
    const nothing = undefined as unknown as typeof unknown;
    expect(await refused(session.setLoss(nothing))).toBe("ERR_FINETAG_ARGUMENT: loss must be an object");
    // What was refused has changed nothing.
    expect(await session.forward(batch(5))).toEqual(before);

    await session.dispose();
    expect(await refused(session.setLoss({ type: "bce_with_logits" }))).toMatch(/^ERR_FINETAG_DISPOSED: /);
  });

  it("leaves missing labels out of loss, count and gradients", async () => {
    const session = await ready();
    const labelMask = Float32Array.from({ length: 12 }, (_, i) => Number(i % 3 !== 1 && i < 9));
    const masked = { ...batch(4), labelMask };
    const { logits, lossSum, lossCount } = await session.forward(masked);
    let sum = 0;
    logits.forEach((x, i) => {
      if (labelMask[i]) sum += Math.max(x, 0) - x * masked.labels![i]! + Math.log1p(Math.exp(-Math.abs(x)));
    });
    expect(lossCount).toBe(6);
    // The engine adds 6 terms in float32.
    expect(lossSum).toBeCloseTo(sum, 4);

    // Whatever stands where a label is missing: the same bits.
    const other = { ...masked, labels: masked.labels!.map((y, i) => (labelMask[i] ? y : 1 - y)) };
    expect((await session.forward(other)).lossSum).toBe(lossSum);
    const { loss } = await session.backward(masked);
    const gradient = await session.readTensor("grad", "classifier.weight");
    expect(await session.backward(other)).toEqual({ loss });
    expect(await session.readTensor("grad", "classifier.weight")).toEqual(gradient);
    // No text has the second label, so its row of the classifier learns nothing.
    const width = gradient.length / 3;
    expect(gradient.slice(width, 2 * width)).toEqual(new Float32Array(width));
    expect(gradient.slice(0, width)).not.toEqual(new Float32Array(width));

    await session.configureTraining(training);
    expect((await session.trainStep([masked])).loss).toBe(loss);
    const nothing = { ...batch(4), labelMask: new Float32Array(12) };
    expect(await session.forward(nothing)).toMatchObject({ lossSum: 0, lossCount: 0 });
    expect(await refused(session.trainStep([nothing]))).toBe(
      "ERR_FINETAG_ARGUMENT: the label mask leaves nothing to learn from in this step",
    );
  });

  it("takes targets between 0 and 1, and refuses others", async () => {
    const session = await ready();
    const labels = Float32Array.from({ length: 12 }, (_, i) => (i % 5) / 4);
    const soft = { ...batch(4), labels };
    const { logits, lossSum, lossCount } = await session.forward(soft);
    let sum = 0;
    logits.forEach((x, i) => {
      sum += Math.max(x, 0) - x * labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
    });
    expect(lossCount).toBe(12);
    expect(lossSum).toBeCloseTo(sum, 4);
    for (const wrong of [-0.1, 1.1, Number.NaN]) {
      const bad = { ...soft, labels: labels.with(7, wrong) };
      expect(await refused(session.forward(bad))).toBe(
        "ERR_FINETAG_ARGUMENT: labels of text 2 holds a value that is not between 0 and 1",
      );
    }
  });

  it("runs in bf16 where the CPU has it", async ({ skip }) => {
    if (!addon.info().bf16Devices.includes("cpu")) {
      expect(await refused(create({ precision: "bf16" }))).toMatch(/no bf16 instructions/);
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
    expect(await refused(session.readTensor("moment" as never, "classifier.bias"))).toMatch(/unknown kind/);
    expect(await refused(session.writeTensor("weight", "classifier.bias", new Float32Array(4)))).toMatch(
      /holds 3 values, not 4/,
    );
    expect(await refused(session.setStep(-1))).toMatch(/step must fit/);
    expect((await session.forward(good)).logits).toHaveLength(6);
  });

  it("does not use weights that nobody filled", async () => {
    const session = await create();
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
