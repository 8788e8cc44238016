// A few training steps and predictions of tiny models with odd sizes: what compute-sanitizer watches, since under it
// a kernel takes a hundred times as long. node bench/gpu/steps.mjs DEVICE PRECISION

import { loadAddon } from "@finetag/core-native";

const [device = "cuda", precision = "float32"] = process.argv.slice(2);

const CONFIG = {
  vocabSize: 60,
  hiddenSize: 64,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  intermediateSize: 96,
  maxPositionEmbeddings: 520,
  typeVocabSize: 2,
  layerNormEps: 1e-12,
  padTokenId: 1,
  hiddenDropoutProb: 0.1,
  attentionProbsDropoutProb: 0.1,
  classifierDropout: 0.1,
  initializerRange: 0.2,
  numLabels: 3,
};

/** Lengths of the texts of each batch: many, one, one of one token, the longest. */
const BATCHES = [[5, 17, 3, 64, 33], [7], [1], [512, 1]];

function batch(lengths) {
  const cuSeqlens = Int32Array.from([0, ...lengths]);
  for (let b = 0; b < lengths.length; b++) cuSeqlens[b + 1] += cuSeqlens[b];
  const tokens = cuSeqlens[lengths.length];
  return {
    ids: Int32Array.from({ length: tokens }, (_, t) => 2 + ((t * 7) % 58)),
    tokenTypes: new Int32Array(tokens),
    cuSeqlens,
    labels: Float32Array.from({ length: lengths.length * CONFIG.numLabels }, (_, i) => i % 2),
  };
}

const training = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
  schedule: "linear",
  warmupSteps: 1,
  totalSteps: 10,
};

/** With their own sizes. The other families run these operators, and DistilBERT's head also relu. */
const FAMILIES = { bert: {}, roberta: {}, albert: { embeddingSize: 32, innerGroupNum: 2 } };

for (const [family, sizes] of Object.entries(FAMILIES)) {
  for (const hiddenAct of ["gelu", "gelu_new"]) {
    const config = { ...CONFIG, ...sizes, family, hiddenAct };
    const session = await loadAddon().createSession({ config, device, threads: 1, seed: 1, precision });
    await session.initialize(session.parameters().map(({ name }) => name));
    await session.configureTraining(training);
    for (const lengths of BATCHES) await session.trainStep([batch(lengths), batch(lengths)]);
    for (const lengths of BATCHES) {
      const { logits } = await session.forward(batch(lengths));
      if (!logits.every(Number.isFinite)) throw new Error(`${family}, ${lengths}: a logit is not a number`);
    }
    if (session.getStep() !== BATCHES.length) throw new Error(`${family}: a step was not taken`);
    await session.dispose();
  }
}
console.log(`steps on ${device} in ${precision}: all finite`);
