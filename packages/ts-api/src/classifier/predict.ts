import { readAhead, type Scheduler } from "../engine/index.ts";
import { FinetagError } from "../errors/index.ts";
import { sigmoid } from "../metrics/index.ts";
import type { Prediction, PredictOptions, TextInput } from "./types.ts";

export interface PredictSetup {
  scheduler: Scheduler;
  labels: readonly string[];
  /** One for each label. */
  thresholds: readonly number[];
  maxLength: number;
  batchSize: number | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Checked before a call's texts meet those of others.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT`
 */
export function checkPredictOptions({ batchSize, threshold }: PredictOptions): void {
  if (batchSize !== undefined && !(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `\`batchSize\` is ${batchSize}; give a whole number of at least 1`,
    );
  }
  if (threshold !== undefined && !(threshold >= 0 && threshold <= 1)) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `\`threshold\` is ${threshold}; give a number from 0 to 1`,
    );
  }
}

/**
 * Classifies windows of texts; gives each window's predictions in the order of its texts. The next window is tokenized
 * while the engine computes one, so few windows are in memory at a time.
 */
export async function* predictWindows(
  windows: AsyncIterable<readonly TextInput[]> | Iterable<readonly TextInput[]>,
  { scheduler, labels, thresholds, ...settings }: PredictSetup,
): AsyncGenerator<Prediction[], void> {
  const call = scheduler.call(settings);
  try {
    for await (const { predictions, running } of readAhead(submitted())) {
      await running;
      yield predictions;
    }
  } finally {
    call.close();
  }

  async function* submitted() {
    for await (const inputs of windows) {
      const predictions = new Array<Prediction>(inputs.length);
      const running = call.submit(inputs, (logits, i) => {
        predictions[i] = describe(inputs[i]!, labels, sigmoid(logits), thresholds);
      });
      yield { predictions, running };
    }
  }
}

function describe(
  { id, text, textPair }: TextInput,
  labels: readonly string[],
  probabilities: Float64Array,
  thresholds: readonly number[],
): Prediction {
  return {
    ...(id === undefined ? {} : { id }),
    text,
    ...(textPair === undefined ? {} : { textPair }),
    labels: labels.filter((_, i) => probabilities[i]! > thresholds[i]!),
    probabilities: Object.fromEntries(labels.map((label, i) => [label, probabilities[i]!])),
  };
}
