// finetag predicting, as a program uses it: texts in, probabilities of the labels out.

import { Classifier } from "@finetag/api";
import { eachAlone, seconds, serve, settings } from "./serve.mjs";

const { model, threads, maxLength, batchSize, loading = {} } = settings;
const classifier = await Classifier.fromPretrained(model, { device: "cpu", threads, ...loading });
const predict = (texts) => classifier.predict(texts, { maxLength, batchSize });

await serve(
  {},
  {
    /** Inverts the sigmoid: probabilities are float64, so nothing is lost. */
    logits: async ({ texts }) => ({
      logits: (await predict(texts)).map(({ probabilities }) =>
        classifier.labels.map((label) => Math.log(probabilities[label] / (1 - probabilities[label]))),
      ),
    }),
    /** All texts in one call; sorting and packing them is finetag's own work, and is timed. */
    throughput: async ({ texts }) => ({ seconds: await seconds(() => predict(texts)) }),
    latency: ({ texts }) => eachAlone(texts, predict),
  },
);
await classifier.dispose();
