import type { OpenModel, Split } from "../../engine/index.ts";
import { familyOf, headBias } from "../../models/index.ts";

const CHUNK_ROWS = 1024;

/**
 * Starts each label's bias at the log-odds of its share of the training rows, so that an untrained head predicts how
 * often a label occurs. Starting from zero, AdamW moves a bias by at most the learning rate per step, and with many rare labels
 * a short run would spend its steps on that, through the encoder's features. (Lin et al. 2017, "Focal Loss", section 4.1.)
 *
 * A label with no positive rows, or only positive rows, counts as if it had half a row of the other kind. A head that was
 * loaded from a file keeps its bias.
 */
export async function startAtLabelShares(model: OpenModel, { store, rows }: Split): Promise<void> {
  const name = headBias(familyOf(model.source.config));
  if (!model.freshParameters.includes(name)) return;
  const width = model.labels.length;
  const positives = new Float64Array(width);
  for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
    const part = rows.subarray(start, start + CHUNK_ROWS);
    const labels = new Uint8Array(part.length * width);
    store.writeLabels(part, labels);
    for (let i = 0; i < labels.length; i++) positives[i % width]! += labels[i]!;
  }
  const bias = Float32Array.from(positives, (count) => {
    const present = Math.min(Math.max(count, 0.5), rows.length - 0.5);
    return Math.log(present / (rows.length - present));
  });
  await model.session.writeTensor("weight", name, bias);
}
