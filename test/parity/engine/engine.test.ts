/**
 * The engine against transformers: logits, loss, every gradient, twenty AdamW steps, schedules, accumulation.
 * Golden values: golden/, made by generate.py. Tolerances and their reason: tolerance.ts.
 */
import { loadAddon, type NativeSession, type StepResult, type TrainingOptions } from "@finetag/core-native";
import { afterAll, describe, expect, test } from "vitest";
import { Golden, MODEL_NAMES, nativeOptions, readDropout, readSchedules, selectRows } from "./golden.ts";
import {
  compareScalars,
  DEVICE,
  type Difference,
  FACTOR,
  maxAbsDifference,
  ratio,
  Tolerance,
} from "./tolerance.ts";

const MODELS = MODEL_NAMES.map((name) => new Golden(name));
const BERT = MODELS.find(({ name }) => name === "bert")!;
const BERT_ODD = MODELS.find(({ name }) => name === "bert-odd")!;
/** A GPU has no use for more threads. */
const THREADS = DEVICE === "cpu" ? [1, 2] : [1];
const addon = loadAddon();

/** Worst error of each kind, as a multiple of the peer's own error. */
const worst = new Map<string, { multiple: number; where: string }>();

function check(kind: string, model: string, difference: Difference): void {
  const multiple = ratio(difference);
  if (multiple > (worst.get(kind)?.multiple ?? -1)) {
    worst.set(kind, { multiple, where: `${model}: ${difference.name}` });
  }
  expect(
    difference.error,
    `${model}: ${difference.name} is off by ${multiple.toFixed(1)} times transformers' own float32 error`,
  ).toBeLessThanOrEqual(difference.allowed);
}

afterAll(() => {
  const lines = [...worst].map(
    ([kind, { multiple, where }]) => `  ${kind.padEnd(12)} ${multiple.toFixed(2).padStart(5)}  (${where})`,
  );
  console.log(
    `largest error, in units of transformers' float32 error (allowed: ${FACTOR}):\n${lines.join("\n")}`,
  );
});

interface SessionChoice {
  threads?: number;
  config?: Record<string, unknown>;
}

/** Runs `body` with a session that holds the golden weights, and disposes it. */
async function withModel(
  golden: Golden,
  { threads = 1, config = {} }: SessionChoice,
  body: (session: NativeSession) => Promise<void>,
): Promise<void> {
  const session = await addon.createSession({
    config: golden.config(config),
    device: DEVICE,
    threads,
    seed: 1,
    precision: "float32",
  });
  try {
    for (const { name } of session.parameters()) {
      await session.writeTensor("weight", name, golden.weights.get(name)!.data as Float32Array);
    }
    await body(session);
  } finally {
    await session.dispose();
  }
}

/** Differences of logits, loss and gradients of a case from the golden ones. */
async function caseDifferences(
  golden: Golden,
  name: string,
  choice: SessionChoice,
): Promise<{ kind: string; difference: Difference }[]> {
  const golden_case = golden.document.cases[name]!;
  const batch = golden.batch(name);
  const differences: { kind: string; difference: Difference }[] = [];
  await withModel(
    golden,
    { ...choice, config: { ...golden_case.config, ...choice.config } },
    async (session) => {
      const forward = await session.forward(batch);
      const evaluated = forward.lossSum! / forward.lossCount!;
      const { loss } = await session.backward(batch);
      differences.push({ kind: "loss", difference: compareScalars(name, [evaluated], golden_case.loss) });
      differences.push({ kind: "loss", difference: compareScalars(name, [loss], golden_case.loss) });
      for (const kind of ["logits", "grad/"]) {
        const tolerance = new Tolerance(golden_case.peer_error, kind);
        for (const tensor of tolerance.names()) {
          const value =
            tensor === "logits"
              ? forward.logits
              : await session.readTensor("grad", tensor.slice("grad/".length));
          for (const source of ["reference", "transformers"] as const) {
            const expected = golden.value(name, source, tensor);
            // float32 against float32: both bring an error.
            const factor = source === "reference" ? FACTOR : FACTOR + 1;
            if (expected) {
              const difference = tolerance.compare(tensor, value, expected, factor);
              differences.push({ kind: kind.replace("/", ""), difference });
            }
          }
        }
      }
    },
  );
  return differences;
}

/** The same for an optimizer run: losses, gradient norms, rates, and the weights and moments it ends with. */
async function runDifferences(
  golden: Golden,
  name: string,
  choice: SessionChoice,
  options: Partial<TrainingOptions> = {},
): Promise<{ kind: string; difference: Difference }[]> {
  const run = golden.document.training[name]!;
  const differences: { kind: string; difference: Difference }[] = [];
  const add = (kind: string, difference: Difference) => differences.push({ kind, difference });
  await withModel(golden, choice, async (session) => {
    await session.configureTraining({ ...nativeOptions(run.options), ...options });
    const steps: StepResult[] = [];
    for (const batch of run.batches) steps.push(await session.trainStep([golden.batch(batch)]));

    expect(steps.map(({ step }) => step)).toEqual(run.batches.map((_, i) => i + 1));
    const rates = steps.map(({ learningRate }) => learningRate);
    // Both sides form them in float64.
    const peak = run.options.learning_rate;
    add("rate", {
      name: "rates",
      error: maxAbsDifference(rates, run.learning_rates),
      allowed: FACTOR * 2 ** -52 * peak,
    });
    const losses = steps.map(({ loss }) => loss);
    const norms = steps.map(({ gradNorm }) => gradNorm);
    add("run's loss", compareScalars("losses", losses, run.losses));
    add("run's norm", compareScalars("gradient norms", norms, run.grad_norms));
    for (const kind of ["weight", "exp_avg", "exp_avg_sq"] as const) {
      const tolerance = new Tolerance(run.peer_error, `${kind}/`);
      for (const tensor of tolerance.names()) {
        const value = await session.readTensor(kind, tensor.slice(kind.length + 1));
        add(kind, tolerance.compare(tensor, value, golden.value(name, "reference", tensor)!));
        const float32 = golden.value(name, "transformers", tensor);
        if (float32) add(kind, tolerance.compare(tensor, value, float32, FACTOR + 1));
      }
    }
  });
  return differences;
}

const label = (golden: Golden, threads: number) =>
  `${golden.name}, ${threads} thread${threads > 1 ? "s" : ""}`;

for (const golden of MODELS) {
  test(`${golden.name}: the parameters are those of transformers, and the same ones decay`, async () => {
    await withModel(golden, {}, async (session) => {
      const parameters = session.parameters();
      const shapes = Object.fromEntries(parameters.map(({ name, shape }) => [name, shape]));
      const expected = Object.fromEntries([...golden.weights].map(([name, { shape }]) => [name, shape]));
      expect(shapes).toEqual(expected);
      const decaying = parameters.filter(({ decays }) => decays).map(({ name }) => name);
      expect(decaying.sort()).toEqual([...golden.document.decays].sort());
    });
  });

  test.each(Object.entries(readDropout(golden.name)))(
    `${golden.name}: dropout at "%s" as transformers`,
    async (_, place) => {
      await withModel(golden, { config: place.config }, async (session) => {
        for (const name of place.zeroed) {
          await session.writeTensor("weight", name, new Float32Array(golden.weights.get(name)!.data.length));
        }
        const batch = golden.batch("eval");
        const { lossSum, lossCount } = await session.forward(batch);
        const { loss } = await session.backward(batch);
        const change = Math.abs(loss / (lossSum! / lossCount!) - 1);
        if (place.drops) expect(change).toBeGreaterThan(1e-3);
        else expect(change).toBeLessThan(1e-6);
      });
    },
  );

  for (const threads of THREADS) {
    describe(label(golden, threads), () => {
      for (const name of Object.keys(golden.document.cases)) {
        test(`logits, loss and every gradient: ${name}`, async () => {
          for (const { kind, difference } of await caseDifferences(golden, name, { threads })) {
            check(kind, `${golden.name}, ${name}`, difference);
          }
        });
      }

      for (const [name, run] of Object.entries(golden.document.training)) {
        test(`${run.batches.length} AdamW steps, ${name} schedule`, async () => {
          for (const { kind, difference } of await runDifferences(golden, name, { threads })) {
            check(kind, `${golden.name}, ${name}`, difference);
          }
        });
      }

      test("a text's logits do not depend on the texts next to it", async () => {
        await withModel(golden, { threads }, async (session) => {
          const batch = golden.batch("eval");
          const rows = Array.from({ length: batch.cuSeqlens.length - 1 }, (_, row) => row);
          const labels = batch.labels!.length / rows.length;
          const reference = golden.value("eval", "reference", "logits")!;
          const tolerance = new Tolerance(golden.document.cases.eval!.peer_error, "logits");
          for (const group of [...rows.map((row) => [row]), [...rows].reverse(), [2, 2, 1]]) {
            const { logits } = await session.forward(selectRows(batch, group));
            const expected = group.flatMap((row) => [
              ...reference.subarray(row * labels, (row + 1) * labels),
            ]);
            check("packing", `${golden.name}, rows ${group}`, {
              name: "logits",
              error: maxAbsDifference(logits, expected),
              allowed: FACTOR * tolerance.peerError("logits", reference),
            });
          }
        });
      });
    });
  }
}

/** With beta1 = 0, one step leaves the gradient itself in exp_avg. */
const once = {
  learning_rate: 1e-3,
  beta1: 0,
  beta2: 0.999,
  epsilon: 1e-8,
  weight_decay: 0.01,
  max_grad_norm: 0,
  schedule: "constant",
  warmup_steps: 0,
  total_steps: 1,
} as const;

describe("accumulation", () => {
  const golden = BERT_ODD;

  for (const [name, splits] of [
    ["accumulation", [[10], [4, 4, 2], [1, 9]]],
    ["mask", [[5], [2, 2, 1], [4, 1]]],
  ] as const) {
    test(`micro-batches of any sizes give the gradient of one batch: ${name}`, async () => {
      const golden_case = golden.document.cases[name]!;
      const batch = golden.batch(name);
      const tolerance = new Tolerance(golden_case.peer_error, "grad/");
      const gradients = new Map(tolerance.names().map((n) => [n, golden.value(name, "reference", n)!]));
      const norm = Math.hypot(...[...gradients.values()].map((gradient) => Math.hypot(...gradient)));
      for (const sizes of splits) {
        await withModel(golden, {}, async (session) => {
          await session.configureTraining(nativeOptions(once));
          let first = 0;
          const microBatches = sizes.map((size) => {
            first += size;
            return selectRows(
              batch,
              Array.from({ length: size }, (_, i) => first - size + i),
            );
          });
          const { loss, gradNorm } = await session.trainStep(microBatches);
          check("accumulation", `${sizes}`, compareScalars("loss", [loss], golden_case.loss));
          expect(gradNorm / norm).toBeCloseTo(1, 5);
          for (const [tensor, reference] of gradients) {
            const value = await session.readTensor("exp_avg", tensor.slice("grad/".length));
            check("accumulation", `${sizes}`, tolerance.compare(tensor, value, reference));
          }
        });
      }
    });
  }
});

test("schedules give transformers' rates at their corners", async () => {
  const golden = BERT_ODD;
  const batch = golden.batch("step_00");
  for (const { options, learning_rates } of readSchedules()) {
    await withModel(golden, {}, async (session) => {
      await session.configureTraining(nativeOptions(options));
      const rates = [];
      for (const _ of learning_rates) rates.push((await session.trainStep([batch])).learningRate);
      const { schedule, warmup_steps, total_steps } = options;
      for (const [i, rate] of rates.entries()) {
        expect(rate, `${schedule}, warm-up ${warmup_steps} of ${total_steps}, step ${i}`).toBeCloseTo(
          learning_rates[i]!,
          18,
        );
      }
    });
  }
});

describe("the tolerances are tight: a wrong formula is far outside", () => {
  const wrong: [string, Golden, Record<string, unknown>][] = [
    ["tanh GELU instead of erf GELU", BERT, { hidden_act: "gelu_new" }],
    ["erf GELU instead of tanh GELU", BERT_ODD, { hidden_act: "gelu" }],
    ["layer norm epsilon 1e-5 instead of 1e-12", BERT, { layer_norm_eps: 1e-5 }],
  ];
  for (const [name, golden, config] of wrong) {
    test(name, async () => {
      const differences = await caseDifferences(golden, "eval", { config });
      const gradients = differences.filter(({ kind }) => kind === "grad").map(({ difference }) => difference);
      const outside = gradients.filter(({ error, allowed }) => error > allowed);
      expect(outside.length).toBeGreaterThan(gradients.length / 2);
    });
  }

  const wrongOptions: [string, Partial<TrainingOptions>][] = [
    ["no weight decay", { weightDecay: 0 }],
    ["no clipping", { maxGradNorm: 0 }],
    ["beta2 0.998 instead of 0.999", { beta2: 0.998 }],
    ["one warm-up step fewer", { warmupSteps: 3 }],
  ];
  for (const [name, options] of wrongOptions) {
    test(name, async () => {
      const differences = await runDifferences(BERT_ODD, "linear", {}, options);
      const weights = differences.filter(({ kind }) => kind === "weight").map(({ difference }) => difference);
      expect(weights.some((difference) => ratio(difference) > 80)).toBe(true);
    });
  }
});
