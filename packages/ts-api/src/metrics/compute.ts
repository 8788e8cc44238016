import { setImmediate } from "node:timers/promises";
import { FinetagError } from "../errors/index.ts";
import { LabelCurves } from "./label-curves.ts";
import { meanOfDefined } from "./mean.ts";
import { Predictions } from "./predictions.ts";
import { RowRankings } from "./row-rankings.ts";
import { TfAuc } from "./tf-auc.ts";
import type { LabelMetrics, MetricsInput, SplitMetrics } from "./types.ts";
import { validateRow, validateShapes } from "./validate.ts";
import { undefinedMetricWarnings } from "./warnings.ts";

/** Entries between chances to yield to the event loop: about a millisecond of work. */
const ENTRIES_PER_STEP = 8192;
/** Maximum time that other work in the event loop has to wait. */
const MAX_BLOCK_MS = 10;

/**
 * All metrics of a split, equal to scikit-learn's where it has them, with two exceptions: a label without
 * positive rows has no average precision (scikit-learn returns 0), and with a single label the averages are still
 * those of the label, not of its two classes. Takes O(N L log P) time for P positives, and needs memory for the
 * positives only, in addition to the input. Blocks; {@link computeMetricsAsync} does not.
 *
 * @throws FinetagError ERR_FINETAG_ARGUMENT for shapes or values out of range, ERR_FINETAG_DIVERGED for NaN.
 */
export function computeMetrics(input: MetricsInput): SplitMetrics {
  const steps = metricSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * {@link computeMetrics} in slices of about ten milliseconds, between which the event loop runs. Only the sort of all
 * positives is one slice, about 40 ms for 100,000 of them. The input must not change meanwhile.
 *
 * @throws FinetagError as `computeMetrics`, and ERR_FINETAG_ABORTED once `signal` aborts.
 */
export async function computeMetricsAsync(
  input: MetricsInput,
  options: { signal?: AbortSignal } = {},
): Promise<SplitMetrics> {
  const steps = metricSteps(input);
  let since = performance.now();
  for (;;) {
    if (options.signal?.aborted)
      throw new FinetagError("ERR_FINETAG_ABORTED", "the evaluation was stopped", {
        cause: options.signal.reason,
      });
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < MAX_BLOCK_MS) continue;
    await setImmediate();
    since = performance.now();
  }
}

function* metricSteps(input: MetricsInput): Generator<void, SplitMetrics> {
  const { rows, thresholds } = validateShapes(input);
  const { probabilities, labels, names } = input;
  const labelCount = names.length;

  const support = new Uint32Array(labelCount);
  const known = new Uint32Array(labelCount);
  yield* eachRow(rows, labelCount, (start) => validateRow(input, start, support, known));

  const curves = new LabelCurves(probabilities, labels, support);
  yield* eachRow(rows, labelCount, (start) => curves.addPositives(start));
  curves.sort();

  const predictions = new Predictions(probabilities, labels, thresholds, support, known);
  const rankings = new RowRankings(probabilities, labels, labelCount);
  const tfAuc = new TfAuc(probabilities, labels, labelCount);
  yield* eachRow(rows, labelCount, (start) => {
    predictions.addRow(start);
    rankings.addRow(start);
    curves.addNegatives(start);
    tfAuc.addRow(start);
  });

  const decided = predictions.result();
  const curve = curves.result();
  const tf200 = tfAuc.result();
  const perLabel = names.map((name, j): [string, LabelMetrics] => [
    name,
    {
      roc_auc: curve.rocAuc[j]!,
      roc_auc_tf200: tf200[j]!,
      average_precision: curve.averagePrecision[j]!,
      ...decided.perLabel[j]!,
      support: support[j]!,
      threshold: thresholds[j]!,
    },
  ]);
  return {
    rows,
    loss: input.loss ?? null,
    micro_f1: decided.micro.f1,
    micro_precision: decided.micro.precision,
    micro_recall: decided.micro.recall,
    macro_f1: decided.macro.f1,
    macro_precision: decided.macro.precision,
    macro_recall: decided.macro.recall,
    weighted_f1: decided.weighted.f1,
    weighted_precision: decided.weighted.precision,
    weighted_recall: decided.weighted.recall,
    samples_f1: decided.samples.f1,
    samples_precision: decided.samples.precision,
    samples_recall: decided.samples.recall,
    samples_jaccard: decided.samplesJaccard,
    subset_accuracy: decided.subsetAccuracy,
    hamming_loss: decided.hammingLoss,
    roc_auc_macro: meanOfDefined(curve.rocAuc),
    roc_auc_micro: curve.rocAucMicro,
    average_precision_macro: meanOfDefined(curve.averagePrecision),
    average_precision_micro: curve.averagePrecisionMicro,
    ...rankings.result(),
    roc_auc_tf200_macro: meanOfDefined(tf200),
    per_label: Object.fromEntries(perLabel),
    warnings: undefinedMetricWarnings(rows, names, support, known),
  };
}

/** Calls `visit` with the index of each row's first entry, and yields after every {@link ENTRIES_PER_STEP}. */
function* eachRow(rows: number, labelCount: number, visit: (start: number) => void): Generator<void, void> {
  let entries = 0;
  for (let row = 0; row < rows; row++) {
    visit(row * labelCount);
    entries += labelCount;
    if (entries < ENTRIES_PER_STEP) continue;
    entries = 0;
    yield;
  }
}
