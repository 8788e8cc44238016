// Leaves in the middle of a training step of several seconds, in the way that the argument names.
import { batch, openSession, training } from "./common.mjs";

const session = await openSession();
await session.configureTraining(training);
await session.trainStep([batch(2, 8)]);
const texts = process.argv[2] === "dispose" ? 100 : 6400;
const step = session.trainStep(Array.from({ length: texts / 20 }, () => batch(20, 64)));
session.trainStep([batch(2, 8)]).catch(() => {});
step.catch((error) => console.log(`rejected: ${error.code}`));
setTimeout(() => {
  console.log("leaving");
  if (process.argv[2] === "exit") process.exit(7);
  if (process.argv[2] === "throw") throw new Error("on purpose");
  if (process.argv[2] === "kill") process.kill(process.pid, "SIGTERM");
  if (process.argv[2] === "dispose") {
    session.dispose().then(() => console.log("disposed"));
  }
}, 100);
