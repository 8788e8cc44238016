import {
  encodeWindow,
  forwardWindows,
  type OpenModel,
  ReadAhead,
  readAhead,
  type Split,
} from "../engine/index.ts";
import { sigmoid } from "../metrics/index.ts";
import type { Prediction, TextInput } from "./types.ts";

/** Texts of a window: sorted by length together, and answered together. */
const WINDOW_TEXTS = 1024;
/** A longer text takes the place of several in a window, lest long ones fill the memory. */
const TEXT_CHARACTERS = 4096;

export interface PredictSetup {
  model: OpenModel;
  maxLength: number;
  batchSize: number | undefined;
  /** One for each label. */
  thresholds: readonly number[];
  signal: AbortSignal | undefined;
}

/** Collects the texts of a stream, up to a window of them, while windows before are under way. */
export function collectTexts<T extends string | Pick<TextInput, "text" | "textPair">>(
  source: AsyncIterable<T> | Iterable<T>,
): ReadAhead<T> {
  return new ReadAhead(source, WINDOW_TEXTS, (given) => Math.max(1, characters(given) / TEXT_CHARACTERS));
}

/** What is no text is refused later, by its place. */
function characters(given: string | Pick<TextInput, "text" | "textPair">): number {
  if (typeof given === "string") return given.length;
  return (given?.text?.length ?? 0) + (given?.textPair?.length ?? 0);
}

/**
 * Windows of what {@link collectTexts} has, to its end.
 *
 * @param full Only the last window is smaller. Else each is what came while those before were under way: a text that
 *   comes alone goes at once, and one of many goes with many.
 */
export async function* collected<T>(texts: ReadAhead<T>, full: boolean): AsyncGenerator<T[], void> {
  for (let window = await texts.take(full); window.length > 0; window = await texts.take(full)) yield window;
}

interface Window extends Split {
  inputs: readonly TextInput[];
  predictions: Prediction[];
  /** Texts without a prediction. */
  left: number;
}

/**
 * Classifies windows of texts; gives each window's predictions in the order of its texts. The next window is tokenized
 * while the engine computes one, so few windows are in memory at a time.
 */
export async function* predictWindows(
  windows: AsyncIterable<readonly TextInput[]>,
  { model, maxLength, batchSize, thresholds, signal }: PredictSetup,
): AsyncGenerator<Prediction[], void> {
  const width = model.labels.length;
  const encoding = {
    tokenizer: model.source.tokenizer,
    maxLength,
    vocabSize: model.native.vocabSize,
    labelCount: 0,
    signal,
  };
  const encoded = readAhead(encodeWindows());
  const options = { device: model.device, batchSize, withLabels: false, signal };
  for await (const { window, positions, result } of forwardWindows(model.session, encoded, options)) {
    const probabilities = sigmoid(result.logits);
    for (const [i, position] of positions.entries()) {
      const row = probabilities.subarray(i * width, (i + 1) * width);
      window.predictions[position] = describe(window.inputs[position]!, model.labels, row, thresholds);
    }
    window.left -= positions.length;
    if (window.left === 0) yield window.predictions;
  }

  async function* encodeWindows(): AsyncGenerator<Window, void> {
    for await (const inputs of windows) {
      const texts = inputs.map(({ text, textPair }) => ({ text, textPair, labels: [] }));
      const store = await encodeWindow(texts, encoding);
      const rows = Uint32Array.from(inputs.keys());
      yield { inputs, store, rows, predictions: new Array<Prediction>(rows.length), left: rows.length };
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
