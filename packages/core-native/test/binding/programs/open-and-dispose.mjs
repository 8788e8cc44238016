// Opens, uses and ends sessions over and over; prints the resident memory after each, in MB.
import { batch, openSession, training } from "./common.mjs";

const [how, count] = [process.argv[2], Number(process.argv[3])];
const resident = [];
for (let i = 0; i < count; i++) {
  const session = await openSession();
  await session.configureTraining(training);
  await session.trainStep([batch(8, 16)]);
  await session.readTensor("weight", "bert.embeddings.word_embeddings.weight");
  if (how === "dispose") await session.dispose();
  // Without dispose the collector has to find it; turns of the loop let finalizers run.
  globalThis.gc();
  await new Promise((resolve) => setImmediate(resolve));
  resident.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
}
console.log(JSON.stringify(resident));
