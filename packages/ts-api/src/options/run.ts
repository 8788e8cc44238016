import { z } from "zod";
import { positive } from "./numbers.ts";
import { optionGroup } from "./option.ts";
import { saveEvery } from "./save-every.ts";

const every = z.union([z.literal("epoch"), positive]).default("epoch");

export const runOptions = optionGroup("Run", {
  device: {
    type: z
      .string()
      .regex(/^(auto|cpu|cuda(:\d+)?)$/, "must be auto, cpu, cuda or cuda:N")
      .default("auto"),
    description: "auto (the first GPU, else the CPU), cpu, cuda or cuda:N",
    usedBy: ["model"],
    availableIn: ["eval", "predict"],
    onResume: "warned", // the device in use: auto may be another one on another machine
  },
  threads: {
    type: positive.optional(),
    description: "CPU threads (default: one per core, fewer under a CPU quota)",
    usedBy: ["model", "run"],
    availableIn: ["eval", "predict"],
    onResume: "warned", // sums in another order
  },
  precision: {
    type: z.enum(["float32", "bf16"]).default("float32"),
    description: "Arithmetic of matrix products; bf16 (autocast) needs a device with bf16 instructions",
    usedBy: ["model"],
    card: "precision",
  },
  evalEvery: {
    type: every,
    description: "Evaluate every N steps, or once per epoch",
    // Fixed: the best model is one of those that were evaluated.
    usedBy: ["loop"],
    availableIn: ["Classifier.train"],
  },
  saveEvery: {
    type: saveEvery.default("10m"),
    description:
      "Write a checkpoint every N steps, once per epoch, or after a time (90s, 10m, 2h); and always at the end",
    usedBy: ["loop"],
    onResume: "free",
  },
  keepCheckpoints: {
    type: positive.default(2),
    description: "Number of checkpoints to keep; older ones are deleted",
    usedBy: ["storage"],
    onResume: "free",
  },
  bestMetric: {
    type: z.string().default("average_precision_macro"),
    description:
      "Metric on the dev data that selects the best model; the lower loss decides between equal values",
    usedBy: ["loop"],
    availableIn: ["Classifier.train"],
    card: "metric that selects the best model",
    keptOnResume: true, // the default was micro_f1 once
  },
  earlyStopping: {
    type: positive.optional(),
    description: "Stop after this many evaluations in a row without a better `bestMetric`",
    usedBy: ["loop", "data"],
    availableIn: ["Classifier.train"],
    onResume: "free", // it decides when the run ends, not what a step computes; a stopped run may get more patience
  },
  resume: {
    type: z.boolean().default(false),
    description: "Continue from the newest complete checkpoint in the output directory",
    usedBy: ["run", "storage"],
    onResume: "free",
  },
  overwrite: {
    type: z.boolean().default(false),
    description: "Start over in an output directory that already holds a run",
    usedBy: ["storage"],
    onResume: "free",
  },
  tokenCache: {
    type: z.boolean().default(true),
    description: "Cache the tokenized data for later runs on the same files",
    usedBy: ["data"],
    onResume: "free",
  },
  tensorboard: {
    type: z.boolean().default(true),
    description: "Write TensorBoard event files to the folder runs of the output directory",
    usedBy: ["run"],
    onResume: "free",
  },
  logEvery: {
    type: positive.default(10),
    description: "Log every N steps",
    usedBy: ["run"],
    onResume: "free",
  },
});
