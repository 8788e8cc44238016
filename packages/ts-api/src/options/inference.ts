import { z } from "zod";
import { optionGroup } from "./option.ts";
import { trainingOptions } from "./training.ts";

/** Options of prediction and evaluation that mean something else while training, or nothing. */
export const inferenceOptions = optionGroup("Run", {
  precision: {
    type: z.enum(["float32", "bf16", "int8"]).default("float32"),
    description:
      "Arithmetic of matrix products; bf16 (autocast) needs a device with bf16 instructions, int8 (quantized) runs on the CPU",
    usedBy: ["model"],
  },
  multiLabel: {
    type: z.boolean().default(false),
    description:
      "Give each label a probability of its own, also with a model that was trained to give one label to each text",
    usedBy: ["model"],
  },
  batchSize: {
    type: trainingOptions.evalBatchSize.type,
    description: "Maximum number of texts per batch (default: batches of up to 2048 tokens, 16384 on a GPU)",
    usedBy: ["model"],
  },
});
