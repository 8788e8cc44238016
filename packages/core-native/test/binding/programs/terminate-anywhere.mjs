// Terminates worker threads at many moments of short calls: while one starts, runs, or settles its promise.
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { batch, config, openSession, training } from "./common.mjs";

const small = { ...config, vocabSize: 2000, hiddenSize: 16, numHiddenLayers: 1, intermediateSize: 16 };

if (isMainThread) {
  for (let round = 0; round < 40; round++) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => worker.once("message", resolve));
    const end = performance.now() + round * 0.37;
    while (performance.now() < end);
    await worker.terminate();
  }
} else {
  const session = await openSession({ config: small });
  await session.configureTraining(training);
  parentPort.postMessage("started");
  const input = batch(2, 4);
  for (;;) {
    await Promise.all([
      session.trainStep([input]),
      session.forward(input),
      session.writeTensor("weight", "classifier.bias", new Float32Array(4)), // read in place
      session.forward({ ...input, ids: [] }).catch(() => {}),
    ]);
  }
}
