import { z } from "zod";
import { positive } from "./numbers.ts";
import { optionGroup } from "./option.ts";

export const modelOptions = optionGroup("Model", {
  model: {
    type: z.string().min(1),
    description: "Model directory, catalogue name or Hub id",
    usedBy: ["run"],
    onResume: "compared", // its config; the weights come from the checkpoint, and a path can be spelled in many ways
  },
  outputDir: {
    type: z.string().min(1),
    description: "Directory for the best model, checkpoints and metrics.json",
    usedBy: ["storage"],
    isPath: true,
    onResume: "free", // it may have been moved
  },
  newHead: {
    type: z.boolean().default(false),
    description: "Replace the model's classification head, even if its size or labels differ",
    usedBy: ["model", "data"],
  },
  headBias: {
    type: z.enum(["zero", "frequency"]).default("zero"),
    description:
      "Initial biases of a new head. frequency: the log-odds of each label's share of the rows, for many rare labels",
    usedBy: ["model"],
    availableIn: ["Classifier.train"],
    card: "initial bias of a new head",
  },
  maxLength: {
    type: positive.min(3).default(128),
    description: "Maximum length of a text in tokens; longer texts are truncated",
    usedBy: ["data"],
    availableIn: ["Classifier.train", "predict"],
    storedWithModel: true,
    card: "maximum length in tokens",
  },
  dropout: {
    type: z.number().min(0).lt(1).optional(),
    description: "Dropout rate, in place of those in the model's config",
    usedBy: ["model"],
    card: "dropout",
  },
  threshold: {
    type: z.number().gt(0).lt(1).default(0.5),
    description: "Assign a label when its probability is above this",
    // Fixed: the F1 scores that select the best model depend on it.
    usedBy: ["loop"],
    availableIn: ["Classifier.train", "eval", "predict"],
    storedWithModel: true,
  },
  offline: {
    type: z.boolean().optional(),
    description: "Use only models that are on this machine (default: HF_HUB_OFFLINE)",
    usedBy: ["run"],
    availableIn: ["eval", "predict"],
    onResume: "free",
  },
});
