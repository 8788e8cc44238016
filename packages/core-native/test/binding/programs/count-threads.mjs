// How many threads of the system a session starts to train and predict with.
import { readdirSync } from "node:fs";
import { batch, openSession, training } from "./common.mjs";

const count = () => readdirSync("/proc/self/task").length;

const session = await openSession({ threads: 1 });
await session.dispose();
const before = count();
const threads = Number(process.argv[2]);
const other = await openSession({ threads });
await other.configureTraining(training);
await other.trainStep([batch(16, 32)]);
await other.forward(batch(16, 32));
console.log(JSON.stringify({ more: count() - before - 1 }));
await other.dispose();
