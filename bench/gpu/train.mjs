// Training speed on one device, of the whole program: node bench/gpu/train.mjs --device cuda --precision bf16 --output F
// The model and the texts are random, so it needs no network. If FINETAG_PEER_PYTHON is a Python with transformers and a
// torch for the device, Hugging Face Trainer does the same work, alternating.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { SPECIALS, writeRandomModel } from "../../scripts/demo/from-scratch.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { COLUMNS } from "../lib/data.mjs";
import { runPeer } from "../lib/peer.mjs";
import { checkSameWork, median } from "../lib/report.mjs";
import { uniformNumbers } from "../lib/uniform.mjs";

const { values } = parseArgs({
  options: {
    device: { type: "string", default: "cuda" },
    precision: { type: "string", default: "float32" },
    steps: { type: "string", default: "400" },
    shapes: { type: "string", default: "6x384,12x768" },
    rounds: { type: "string", default: "3" },
    output: { type: "string" },
  },
});

const HEADS = { "6x384": 12, "12x768": 12, "2x128": 2 };
const VOCABULARY = 30_522;
const BATCH = 32;
const MAX_LENGTH = 128;
const LABELS = 28;

/** Words in a text: as short comments have them (median 14, log-normal), or as many as fit. */
const LENGTHS = {
  comments: (uniform) => {
    const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Math.min(MAX_LENGTH - 2, Math.max(1, Math.round(14 * Math.exp(0.6 * normal))));
  },
  full: () => MAX_LENGTH - 2,
};

const WORDS = Array.from({ length: VOCABULARY - SPECIALS.length }, (_, i) => `w${i}`);

/** Writes the rows and gives the count of their tokens, [CLS] and [SEP] included. */
function writeRows(file, rows, length) {
  const uniform = uniformNumbers(7);
  const pick = (count) => Math.floor(uniform() * count);
  let tokens = 0;
  const lines = Array.from({ length: rows }, () => {
    const words = Array.from({ length: length(uniform) }, () => WORDS[pick(WORDS.length)]);
    tokens += words.length + 2;
    return `${words.join(" ")}\t${pick(LABELS)}\tx`;
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
  return tokens;
}

/** Steps before the time is taken, in which memory and kernels are set up. */
const warmSteps = (steps) => Math.floor(steps / 4);

/** Trains, and gives the seconds of the steps after the warm ones. */
async function finetag(args, steps) {
  const program = join(ROOT, "packages", "cli", "bin", "finetag.mjs");
  const child = spawn(process.execPath, [program, "train", "--json", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  let since = 0;
  const result = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.type === "start") result.tokens = event.trainTokens;
    if (event.type === "step" && event.step === warmSteps(steps)) since = performance.now();
    if (event.type === "step" && event.step === steps) result.seconds = (performance.now() - since) / 1000;
    if (event.type === "end") result.loss = event.metrics.train.loss;
  }
  const code = await closed;
  if (code !== 0 || result.loss === undefined || result.seconds === undefined)
    throw new Error(`finetag train ended with exit code ${code}`);
  return result;
}

function trainer(args, steps) {
  const { timed_seconds, loss, tokens, versions } = runPeer("hf_trainer.py", [
    ...args,
    ...["--warm-steps", warmSteps(steps)],
  ]);
  return { seconds: timed_seconds, loss, tokens, versions };
}

/** The sides by name: what runs them with the settings that both take. */
function sidesOf(out) {
  const own = ["--output-dir", out, "--overwrite", "--no-tensorboard", ...COLUMNS];
  const sides = { finetag: (common, steps) => finetag([...common, ...own], steps) };
  if (process.env.FINETAG_PEER_PYTHON) {
    sides.trainer = trainer;
    sides["trainer grouped"] = (common, steps) => trainer([...common, "--group-by-length"], steps);
  }
  return sides;
}

const steps = Number(values.steps);
const rounds = Number(values.rounds);
const { device, precision } = values;
const work = mkdtempSync(join(tmpdir(), "finetag-gpu-"));
const measured = [];
try {
  const labels = join(work, "labels.txt");
  writeFileSync(labels, Array.from({ length: LABELS }, (_, i) => `l${i}\n`).join(""));
  for (const shape of values.shapes.split(",")) {
    const [layers, hidden] = shape.split("x").map(Number);
    const model = join(work, shape);
    mkdirSync(model);
    await writeRandomModel(model, [...SPECIALS, ...WORDS], {
      hidden_size: hidden,
      num_hidden_layers: layers,
      num_attention_heads: HEADS[shape],
      intermediate_size: 4 * hidden,
      max_position_embeddings: 512,
      type_vocab_size: 2,
    });
    for (const [texts, length] of Object.entries(LENGTHS)) {
      const train = join(work, "train.tsv");
      const tokens = writeRows(train, steps * BATCH, length);
      const tokensPerText = tokens / (steps * BATCH);
      const common = [
        ...["--model", model, "--train", train, "--labels", labels, "--epochs", "1"],
        ...["--batch-size", `${BATCH}`, "--max-length", `${MAX_LENGTH}`, "--seed", "42"],
        ...["--device", device, "--precision", precision, "--threads", `${availableParallelism()}`],
      ];
      const sides = sidesOf(join(work, "out"));
      const runs = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
      for (let round = 0; round < rounds; round++) {
        for (const [side, run] of Object.entries(sides)) runs[side].push(await run(common, steps));
      }
      // Time on a GPU is dear: what was measured is kept, and marked.
      let mismatch;
      try {
        checkSameWork(runs, tokens);
      } catch ({ message }) {
        mismatch = message;
        console.error(`${shape}, ${texts}: ${message}`);
        process.exitCode = 1;
      }
      const timedSteps = steps - warmSteps(steps);
      for (const [side, found] of Object.entries(runs)) {
        const rate = (timedSteps * BATCH) / median(found.map((run) => run.seconds));
        const ratio =
          side === "finetag"
            ? undefined
            : median(found.map((run, i) => run.seconds / runs.finetag[i].seconds));
        measured.push({
          ...{ side, device, precision, shape, texts, batch: BATCH, steps: timedSteps },
          ...{ tokens_per_text: tokensPerText, texts_per_second: rate },
          ...{ tokens_per_second: rate * tokensPerText, runs: found, finetag_is_faster: ratio, mismatch },
        });
        console.log(
          `${device} ${precision.padEnd(8)} ${shape.padEnd(7)} ${texts.padEnd(9)} ${side.padEnd(16)}` +
            `${rate.toFixed(1).padStart(9)} texts/s ${Math.round(rate * tokensPerText)} tokens/s` +
            (ratio === undefined ? "" : `   finetag: ${ratio.toFixed(2)} x`),
        );
      }
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
if (values.output) writeFileSync(values.output, JSON.stringify(measured));
