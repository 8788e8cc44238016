// Programs that the lifetime tests run in processes of their own.
import { loadAddon } from "@finetag/core-native";

export const addon = loadAddon();

export const config = {
  family: "bert",
  vocabSize: 2000,
  hiddenSize: 128,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  intermediateSize: 512,
  hiddenAct: "gelu",
  maxPositionEmbeddings: 128,
  typeVocabSize: 2,
  layerNormEps: 1e-12,
  padTokenId: 0,
  hiddenDropoutProb: 0.1,
  attentionProbsDropoutProb: 0.1,
  classifierDropout: 0.1,
  initializerRange: 0.02,
  numLabels: 4,
};

export const training = {
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
  schedule: "constant",
  warmupSteps: 0,
  totalSteps: 1_000_000,
};

export async function openSession(more = {}) {
  const session = await addon.createSession({
    config,
    device: "cpu",
    threads: 1,
    seed: 1,
    precision: "float32",
    ...more,
  });
  await session.initialize(session.parameters().map((parameter) => parameter.name));
  return session;
}

export function batch(texts, length) {
  return {
    ids: Int32Array.from({ length: texts * length }, (_, t) => 2 + ((t * 31) % 1998)),
    tokenTypes: new Int32Array(texts * length),
    cuSeqlens: Int32Array.from({ length: texts + 1 }, (_, b) => b * length),
    labels: Float32Array.from({ length: texts * 4 }, (_, i) => i % 2),
  };
}
