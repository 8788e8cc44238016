// Trains in the main thread and in worker threads at once; one worker is terminated in the middle of a step.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { batch, openSession, training } from "./common.mjs";

async function train(steps) {
  const session = await openSession();
  await session.configureTraining(training);
  let last;
  for (let i = 0; i < steps; i++) last = await session.trainStep([batch(8, 16)]);
  await session.dispose();
  return last.loss;
}

if (isMainThread) {
  const losses = [];
  const run = (mode) => new Worker(new URL(import.meta.url), { workerData: mode });
  const finished = [run("train"), run("train")].map(
    (worker) =>
      new Promise((resolve, reject) => {
        worker.on("message", (loss) => losses.push(loss));
        worker.on("error", reject);
        worker.on("exit", resolve);
      }),
  );
  const endless = run("endless");
  await new Promise((resolve) => endless.once("message", resolve));
  losses.push(await train(5));
  await endless.terminate();
  await Promise.all(finished);
  console.log(JSON.stringify(losses));
} else if (workerData === "train") {
  parentPort.postMessage(await train(5));
} else {
  const session = await openSession();
  await session.configureTraining(training);
  parentPort.postMessage("started");
  for (;;) await session.trainStep(Array.from({ length: 50 }, () => batch(16, 64)));
}
