import { type CallSettings, type ForwardCall, readAhead, type Scheduler } from "../engine/index.ts";
import { sigmoid } from "../metrics/index.ts";
import { windowsOf } from "./inputs.ts";
import type { Prediction, TextInput } from "./types.ts";

export interface PredictSetup extends CallSettings {
  scheduler: Scheduler;
  labels: readonly string[];
  /** One per label. */
  thresholds: readonly number[];
}

/** Classifies texts in memory and returns predictions in the same order. */
export async function predictTexts(inputs: readonly TextInput[], setup: PredictSetup): Promise<Prediction[]> {
  const windows = [...windowsOf(inputs)];
  // Many calls have only a few texts; for them, reading ahead would cost more than everything else in JavaScript.
  if (windows.length === 1) return await predictWindow(setup.scheduler.call(setup), inputs, setup);
  const parts: Prediction[][] = [];
  for await (const part of predictWindows(windows, setup)) parts.push(part);
  return parts.flat();
}

/**
 * Classifies windows of texts and yields each window's predictions in the order of its texts. The next window is
 * tokenized while the engine computes, so only a few windows are in memory at a time.
 */
export async function* predictWindows(
  windows: AsyncIterable<readonly TextInput[]> | Iterable<readonly TextInput[]>,
  setup: PredictSetup,
): AsyncGenerator<Prediction[], void> {
  const call = setup.scheduler.call(setup);
  try {
    for await (const { running } of readAhead(submitted())) yield await running;
  } finally {
    call.close();
  }

  async function* submitted() {
    for await (const inputs of windows) {
      const running = predictWindow(call, inputs, setup);
      running.catch(() => {}); // rethrown where it is awaited; after an early return it is never awaited
      yield { running };
    }
  }
}

async function predictWindow(
  call: ForwardCall,
  inputs: readonly TextInput[],
  { labels, thresholds }: PredictSetup,
): Promise<Prediction[]> {
  const predictions = new Array<Prediction>(inputs.length);
  await call.submit(inputs, (logits, i) => {
    predictions[i] = describe(inputs[i]!, labels, sigmoid(logits), thresholds);
  });
  return predictions;
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
