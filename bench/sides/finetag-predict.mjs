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
    /** A call for each text, all at the same time. */
    concurrent: async ({ texts }) => ({ seconds: await seconds(() => Promise.all(texts.map(predict))) }),
    /** So many callers at the same time, each of which waits for an answer before it asks again. */
    clients: async ({ texts, count }) => {
      const left = [...texts];
      const milliseconds = [];
      const client = async () => {
        for (let text = left.pop(); text !== undefined; text = left.pop()) {
          milliseconds.push(1000 * (await seconds(() => predict(text))));
        }
      };
      const whole = await seconds(() => Promise.all(Array.from({ length: count }, client)));
      return { seconds: whole, milliseconds };
    },
  },
);
await classifier.dispose();
