import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { NativeModelConfig, PackedBatch, SessionOptions, TrainingOptions } from "../../lib/types.ts";

export const config: NativeModelConfig = {
  family: "bert",
  vocabSize: 60,
  hiddenSize: 32,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  intermediateSize: 64,
  hiddenAct: "gelu",
  maxPositionEmbeddings: 64,
  typeVocabSize: 2,
  layerNormEps: 1e-12,
  padTokenId: 0,
  hiddenDropoutProb: 0.1,
  attentionProbsDropoutProb: 0.1,
  classifierDropout: 0.1,
  initializerRange: 0.2,
  numLabels: 3,
};

export const session = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  config,
  device: "cpu",
  threads: 1,
  seed: 1,
  precision: "float32",
  ...more,
});

export const training: TrainingOptions = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
  schedule: "linear",
  warmupSteps: 2,
  totalSteps: 100,
};

/** Texts of 3, 4, … tokens with labels. */
export function batch(texts: number, longest = 20): PackedBatch {
  const cuSeqlens = new Int32Array(texts + 1);
  for (let b = 0; b < texts; b++) cuSeqlens[b + 1] = cuSeqlens[b]! + 3 + (b % (longest - 2));
  const tokens = cuSeqlens[texts]!;
  return {
    ids: Int32Array.from({ length: tokens }, (_, t) => 2 + ((t * 7) % 58)),
    tokenTypes: new Int32Array(tokens),
    cuSeqlens,
    labels: Float32Array.from({ length: texts * 3 }, (_, i) => (i * i) % 2),
  };
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

/** Runs a program of `programs/` in a process of its own. */
export function runProgram(name: string, args: string[] = [], nodeArgs: string[] = []): Promise<Outcome> {
  const file = fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArgs, file, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - start }),
    );
  });
}
