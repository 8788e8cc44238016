import type { OpenModel, Split } from "../../engine/index.ts";
import { familyOf, headBias } from "../../models/index.ts";

/**
 * Starts each label's bias at the log-odds of its share of the training rows that know it, so that an untrained head predicts how
 * often a label occurs. Starting from zero, AdamW moves a bias by at most the learning rate per step, and with many rare labels
 * a short run would spend its steps on that, through the encoder's features. (Lin et al. 2017, "Focal Loss", section 4.1.)
 *
 * A label with no positive rows, or only positive rows, counts as if it had half a row of the other kind. A head that was
 * loaded from a file keeps its bias.
 */
export async function startAtLabelShares(model: OpenModel, { store, rows }: Split): Promise<void> {
  const name = headBias(familyOf(model.source.config));
  if (!model.freshParameters.includes(name)) return;
  const { targets, known } = store.labelSums(rows);
  const bias = Float32Array.from(targets, (sum, label) => {
    const count = Math.max(known[label]!, 1);
    const present = Math.min(Math.max(sum, 0.5), count - 0.5);
    return Math.log(present / (count - present));
  });
  await model.session.writeTensor("weight", name, bias);
}
