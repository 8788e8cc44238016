// Fine-tunes a model on a few rows in memory, saves it, and classifies texts with it.
//
//   npx tsc -p examples && node examples/dist/quickstart.js all-MiniLM-L6-v2 out/quickstart

import { Classifier, FinetagError, type LabeledText } from "@finetag/api";

const tickets: LabeledText[] = [
  { text: "I was charged twice for my order", labels: ["billing"] },
  { text: "Please refund the second payment", labels: ["billing"] },
  { text: "The invoice shows the wrong amount", labels: ["billing"] },
  { text: "My card was declined although it has money on it", labels: ["billing"] },
  { text: "The app closes as soon as I open it", labels: ["bug"] },
  { text: "The page stays white after the update", labels: ["bug"] },
  { text: "An error message appears when I save", labels: ["bug"] },
  { text: "The search finds nothing any more", labels: ["bug"] },
  { text: "When will my parcel arrive", labels: ["delivery"] },
  { text: "The courier left my package in the rain", labels: ["delivery"] },
  { text: "My parcel is late by a week", labels: ["delivery"] },
  { text: "The tracking number is unknown to the courier", labels: ["delivery"] },
  { text: "I paid for express, and the parcel is late", labels: ["billing", "delivery"] },
  { text: "The app crashes when I enter my card number", labels: ["billing", "bug"] },
  { text: "The tracking page shows an error message", labels: ["bug", "delivery"] },
  { text: "Thank you, all is well", labels: [] },
];

async function main([model = "all-MiniLM-L6-v2", outputDir = "out/quickstart"]: string[]): Promise<void> {
  await using classifier = await Classifier.fromPretrained(model);

  for await (const event of classifier.train({
    train: tickets,
    epochs: 20,
    batchSize: 4,
    learningRate: 1e-4,
  })) {
    if (event.type === "start")
      console.log(`training on ${event.trainRows} rows, labels ${event.labels.join(", ")}`);
    if (event.type === "step" && event.step % 20 === 0) {
      console.log(`step ${event.step} of ${event.totalSteps}: loss ${event.loss.toFixed(3)}`);
    }
  }

  await classifier.save(outputDir);
  console.log(`saved in ${outputDir}`);

  const texts = ["You took the money two times", "It crashes all the time", "Where is my parcel?"];
  for (const { text, labels, probabilities } of await classifier.predict(texts)) {
    const shown = Object.entries(probabilities).map(([label, p]) => `${label} ${p.toFixed(2)}`);
    console.log(`${text} -> ${labels.join(", ") || "no label"} (${shown.join(", ")})`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof FinetagError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.kind === "input" ? 2 : 1;
}
