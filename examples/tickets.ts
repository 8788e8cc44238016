// Fine-tunes a model on a CSV, classifies a text, and saves the model. Run it in finetag's folder:
//
//   npx tsc -p examples && node examples/dist/tickets.js

import { Classifier } from "@finetag/api";

await using classifier = await Classifier.fromPretrained("all-MiniLM-L6-v2");

const data = { train: "examples/tickets.csv", epochs: 20, batchSize: 4, learningRate: 1e-4 };
for await (const event of classifier.train(data)) {
  if (event.type === "step") console.log(`step ${event.step}: loss ${event.loss.toFixed(3)}`);
}
await classifier.save("out/tickets");

const [prediction] = await classifier.predict("Where is my parcel?");
console.log(prediction?.labels, prediction?.probabilities);
