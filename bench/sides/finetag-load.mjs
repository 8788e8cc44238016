// finetag opening a model, as a program does: config, tokenizer and weights, until it could predict.

import { Classifier, inspectModel } from "@finetag/api";
import { seconds, serve, settings } from "./serve.mjs";

const { model, threads } = settings;
// Loads the engine and libtorch; reads the weights a part at a time, and keeps none.
const { format, weightBytes } = await inspectModel(model);

await serve(
  { format, weightBytes },
  {
    load: async () => {
      let classifier;
      const before = process.cpuUsage();
      const took = await seconds(async () => {
        classifier = await Classifier.fromPretrained(model, { device: "cpu", threads });
      });
      const { user, system } = process.cpuUsage(before);
      await classifier.dispose();
      return { seconds: took, cpu_seconds: (user + system) / 1e6 };
    },
  },
);
