#!/usr/bin/env node
// Sets up, fine-tunes a model on real data, and shows what it learned: npm run demo

import { spawn } from "node:child_process";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";
import { DATA_SETS, prepareData } from "./demo/data.mjs";
import { makeRandomModel } from "./demo/from-scratch.mjs";
import { showPrediction } from "./demo/show.mjs";
import { reportError, SetupError } from "./lib/errors.mjs";
import { ROOT } from "./lib/paths.mjs";
import { done, say } from "./lib/terminal.mjs";

const MODEL = "all-MiniLM-L6-v2";

const HELP = `npm run demo -- [--from-scratch] [--data ${DATA_SETS.map(({ name }) => name).join("|")}] [--yes]

Sets up finetag (see npm run bootstrap), downloads ${MODEL} and real labelled texts, fine-tunes the model, and shows
a table of metrics and predictions for a few texts. Everything is stored in demo/; you can run it again at any time.

  --from-scratch   use a small random model instead of pretrained weights (it learns much less)
  --data NAME      debtags: Debian's package descriptions (by apt, without root); goemotions: Reddit comments
                   (from the web); default: the first that is available
  --yes            as root on Debian or Ubuntu, install missing tools with apt-get (also FINETAG_YES=1)`;

/** A finetag command failed with this exit code and has printed the reason. */
class CommandFailed extends Error {
  constructor(code) {
    super(`finetag ended with exit code ${code}`);
    this.code = code;
  }
}

async function demo({ fromScratch, data, yes }) {
  await bootstrap({ yes });
  const started = performance.now();
  const demoFolder = join(ROOT, "demo");

  say("\nThe data");
  const { dataSet } = await prepareData(join(demoFolder, "data"), data);
  const here = (...parts) => relative(ROOT, join(demoFolder, ...parts));
  const file = (split) => here("data", dataSet.file(split));
  const labels = ["--labels", here("data", "labels.txt")];

  say("\nThe model");
  const base = fromScratch ? await randomModel(demoFolder, dataSet) : await pretrainedModel();
  // The small model is fast and has more to learn.
  const other = fromScratch ? ["--epochs", "3", "--learning-rate", "5e-4"] : [];

  say("\nTraining");
  await finetag([
    "train",
    ...["--model", base, "--train", file("train"), "--dev", file("dev"), ...dataSet.read, ...labels],
    ...withOverrides(dataSet.train, other),
    ...["--output-dir", here("model"), "--overwrite"],
  ]);

  say("\nEvaluation on texts it has never seen");
  const output = here("test-metrics.json");
  await finetag([
    "eval",
    "--model",
    here("model"),
    "--data",
    file("test"),
    ...dataSet.read,
    "--output",
    output,
  ]);

  say("\nPredictions for new texts");
  const lines = await predict(here("model"), dataSet.texts);
  for (const line of lines) say(`\n${showPrediction(JSON.parse(line))}`);
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  say(
    `\n* above the model's threshold. Data, model and training took ${minutes} minutes; everything is in demo/.`,
  );
  say(`Try your own text: npx finetag predict --model ${here("model")}`);
}

async function pretrainedModel() {
  try {
    await finetag(["pull", MODEL]);
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.code === 130) throw error;
    throw new SetupError(
      `Cannot download ${MODEL}; the line above says why. To run the demo with a small random model, which learns\n` +
        "much less but needs no download: npm run demo -- --from-scratch",
    );
  }
  return MODEL;
}

async function randomModel(demoFolder, dataSet) {
  const folder = join(demoFolder, "random-model");
  const noHeader = dataSet.read.includes("--no-header");
  await makeRandomModel(folder, {
    path: join(demoFolder, "data", dataSet.file("train")),
    textColumn: "text",
    ...(noHeader && { header: false, columns: ["text", "labels", "id"] }),
  });
  done(`a random BERT of 2 layers and 128 units, with a vocabulary learned from the texts: ${folder}`);
  return relative(ROOT, folder);
}

/** Options as pairs; a later one replaces the same one before. */
function withOverrides(options, overrides) {
  const merged = new Map();
  for (const list of [options, overrides]) {
    for (let i = 0; i < list.length; i += 2) merged.set(list[i], list[i + 1]);
  }
  return [...merged].flat();
}

/** Runs a command as a user would, and shows it. */
function finetag(args, stdout = "inherit", shown = args) {
  say(`\n$ npx finetag ${shown.map(quote).join(" ")}`);
  const child = spawn(process.execPath, [join(ROOT, "packages", "cli", "bin", "finetag.mjs"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", stdout, "inherit"],
  });
  // Ctrl-C reaches the child as well, which finishes its step first.
  const wait = () => {};
  process.on("SIGINT", wait);
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.removeListener("SIGINT", wait);
      if (code === 0) resolve(text);
      else reject(new CommandFailed(code ?? (signal === "SIGINT" ? 130 : 1)));
    });
  });
}

async function predict(model, texts) {
  const shown = ["predict", "--model", model, texts[0], "…"];
  const text = await finetag(["predict", "--model", model, ...texts], "pipe", shown);
  return text.trim().split("\n");
}

function quote(word) {
  return /^[\w./:=,@…+-]+$/.test(word) ? word : `"${word.replace(/["$`\\]/g, "\\$&")}"`;
}

try {
  const { values } = parseArgs({
    options: {
      "from-scratch": { type: "boolean" },
      data: { type: "string" },
      yes: { type: "boolean", short: "y" },
      help: { type: "boolean", short: "h" },
    },
  });
  const { data } = values;
  if (values.help) console.log(HELP);
  else if (data !== undefined && !DATA_SETS.some(({ name }) => name === data)) {
    throw new SetupError(
      `--data ${data}: no such data set; use ${DATA_SETS.map(({ name }) => name).join(" or ")}`,
    );
  } else await demo({ fromScratch: values["from-scratch"], data, yes: values.yes });
} catch (error) {
  // The command has already printed its error.
  if (error instanceof CommandFailed) process.exitCode = error.code;
  else if (error.code?.startsWith("ERR_PARSE_ARGS")) {
    console.error(`${error.message.split(". ")[0]}; see npm run demo -- --help`);
    process.exitCode = 2;
  } else process.exitCode = reportError(error);
}
