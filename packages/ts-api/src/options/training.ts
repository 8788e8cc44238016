import { z } from "zod";
import { positive, seed } from "./numbers.ts";
import { optionGroup } from "./option.ts";

/** Options of the data's order and of AdamW; defaults are those of Hugging Face Trainer where it has one. */
export const trainingOptions = optionGroup("Training", {
  epochs: {
    type: z.number().positive().default(3),
    description: "Passes over the training rows",
    usedBy: ["plan"],
    availableIn: ["Classifier.train"],
    // Not on the card, which shows the epochs that were run: a run can end early.
  },
  maxSteps: {
    type: positive.optional(),
    description: "Number of optimizer steps; overrides `epochs`",
    usedBy: ["plan"],
    availableIn: ["Classifier.train"],
  },
  batchSize: {
    type: positive.default(32),
    description: "Texts per batch",
    usedBy: ["plan"],
    availableIn: ["Classifier.train"],
    card: "batch size",
  },
  evalBatchSize: {
    type: positive.optional(),
    description:
      "Maximum number of texts per batch during evaluation (default: batches of up to 2048 tokens, 16384 on a GPU)",
    usedBy: ["loop"],
    availableIn: ["Classifier.train"],
    onResume: "warned", // sums in another order
  },
  groupByLength: {
    type: z.boolean().default(true),
    description: "Put texts of similar length into the same step, within windows of 50 shuffled steps",
    usedBy: ["loop"],
    availableIn: ["Classifier.train"],
    beforeItExisted: false,
    card: "grouped by length",
  },
  gradientAccumulation: {
    type: positive.default(1),
    description: "Batches per optimizer step",
    usedBy: ["plan"],
    availableIn: ["Classifier.train"],
    card: "batches per step",
  },
  learningRate: {
    type: z.number().positive().default(5e-5),
    description: "Peak learning rate of AdamW",
    usedBy: ["optimizer"],
    availableIn: ["Classifier.train"],
    card: "learning rate",
  },
  warmupRatio: {
    type: z.number().min(0).max(1).default(0.1),
    description: "Share of the steps over which the learning rate rises from 0",
    usedBy: ["plan"],
    availableIn: ["Classifier.train"],
    card: "warm-up ratio",
  },
  schedule: {
    type: z.enum(["linear", "cosine", "constant"]).default("linear"),
    description: "Learning-rate schedule after warm-up",
    usedBy: ["optimizer"],
    availableIn: ["Classifier.train"],
    card: "learning-rate schedule",
  },
  weightDecay: {
    type: z.number().nonnegative().default(0.01),
    description: "Weight decay of AdamW; biases and layer norms do not decay",
    usedBy: ["optimizer"],
    availableIn: ["Classifier.train"],
    card: "weight decay",
  },
  adamBeta1: {
    type: z.number().min(0).lt(1).default(0.9),
    description: "beta1 of AdamW",
    usedBy: ["optimizer"],
    optimizerField: "beta1",
    availableIn: ["Classifier.train"],
    card: "AdamW beta1",
  },
  adamBeta2: {
    type: z.number().min(0).lt(1).default(0.999),
    description: "beta2 of AdamW",
    usedBy: ["optimizer"],
    optimizerField: "beta2",
    availableIn: ["Classifier.train"],
    card: "AdamW beta2",
  },
  adamEpsilon: {
    type: z.number().positive().default(1e-8),
    description: "epsilon of AdamW",
    usedBy: ["optimizer"],
    optimizerField: "epsilon",
    availableIn: ["Classifier.train"],
    card: "AdamW epsilon",
  },
  maxGradNorm: {
    type: z.number().nonnegative().default(1),
    description: "Clip gradients to this L2 norm; 0 turns clipping off",
    usedBy: ["optimizer"],
    availableIn: ["Classifier.train"],
    card: "maximum gradient norm",
  },
  seed: {
    type: seed.default(42),
    description: "Seed of new weights, data order, dropout and the dev split",
    usedBy: ["model", "data", "loop"],
    availableIn: ["Classifier.train"],
    card: "seed",
  },
});
