// The event loop's delay while a session trains.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { batch, openSession, training } from "./common.mjs";

const session = await openSession();
await session.configureTraining(training);
await session.trainStep([batch(4, 16)]);
const delay = monitorEventLoopDelay({ resolution: 5 });
let ticks = 0;
const timer = setInterval(() => ticks++, 5);
delay.enable();
let steps = 0;
for (const end = performance.now() + 2000; performance.now() < end; steps++) {
  await session.trainStep([batch(32, 64)]);
}
delay.disable();
clearInterval(timer);
await session.dispose();
console.log(JSON.stringify({ steps, ticks, median: delay.percentile(50) / 1e6 }));
