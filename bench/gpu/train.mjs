// Training speed on one device, of the whole program: node bench/gpu/train.mjs --device cuda --precision bf16 --output F
// The model is random and the texts are made up, so that it needs neither network nor Python.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { SPECIALS, writeRandomModel } from "../../scripts/demo/from-scratch.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";

const { values } = parseArgs({
  options: {
    device: { type: "string", default: "cuda" },
    precision: { type: "string", default: "float32" },
    steps: { type: "string", default: "400" },
    shapes: { type: "string", default: "6x384,12x768" },
    output: { type: "string" },
  },
});

const HEADS = { "6x384": 12, "12x768": 12, "2x128": 2 };
const VOCABULARY = 30_522;
const BATCH = 32;
const MAX_LENGTH = 128;
const LABELS = 28;

/** mulberry32: the same texts on every machine. */
function uniformNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Words in a text: as short comments have them (median 14, log-normal), or as many as fit. */
const LENGTHS = {
  comments: (uniform) => {
    const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Math.min(MAX_LENGTH - 2, Math.max(1, Math.round(14 * Math.exp(0.6 * normal))));
  },
  full: () => MAX_LENGTH - 2,
};

const WORDS = Array.from({ length: VOCABULARY - SPECIALS.length }, (_, i) => `w${i}`);

/** Writes the rows and gives the mean count of tokens in a text, [CLS] and [SEP] included. */
function writeRows(file, rows, length) {
  const uniform = uniformNumbers(7);
  const pick = (count) => Math.floor(uniform() * count);
  let tokens = 0;
  const lines = Array.from({ length: rows }, () => {
    const words = Array.from({ length: length(uniform) }, () => WORDS[pick(WORDS.length)]);
    tokens += words.length + 2;
    return JSON.stringify({ text: words.join(" "), labels: [`l${pick(LABELS)}`] });
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
  return tokens / rows;
}

/** Trains, and gives the seconds of the steps after the first quarter, in which memory and kernels are set up. */
async function timeSteps(args, steps) {
  const program = join(ROOT, "packages", "cli", "bin", "finetag.mjs");
  const child = spawn(process.execPath, [program, "train", "--json", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const warm = Math.floor(steps / 4);
  let since = 0;
  let result;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.type !== "step") continue;
    if (event.step === warm) since = performance.now();
    if (event.step === steps) {
      result = { steps: steps - warm, seconds: (performance.now() - since) / 1000, loss: event.loss };
    }
  }
  const code = await closed;
  if (code !== 0 || result === undefined) throw new Error(`finetag train ended with exit code ${code}`);
  return result;
}

const steps = Number(values.steps);
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
      const train = join(work, "train.jsonl");
      const tokensPerText = writeRows(train, steps * BATCH, length);
      const args = [
        ...["--model", model, "--train", train, "--labels-column", "labels", "--labels", labels],
        ...["--output-dir", join(work, "out"), "--overwrite", "--no-tensorboard", "--epochs", "1"],
        ...["--batch-size", `${BATCH}`, "--max-length", `${MAX_LENGTH}`, "--seed", "42"],
        ...["--device", values.device, "--precision", values.precision],
      ];
      const { seconds, ...run } = await timeSteps(args, steps);
      const rate = (run.steps * BATCH) / seconds;
      const { device, precision } = values;
      measured.push({
        ...{ device, precision, shape, texts, batch: BATCH, ...run, tokens_per_text: tokensPerText },
        ...{ texts_per_second: rate, tokens_per_second: rate * tokensPerText },
      });
      console.log(
        `${device} ${precision.padEnd(8)} ${shape.padEnd(7)} ${texts.padEnd(9)} ${rate.toFixed(1).padStart(9)} texts/s ` +
          `${Math.round(rate * tokensPerText)
            .toString()
            .padStart(9)} tokens/s`,
      );
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
if (values.output) writeFileSync(values.output, JSON.stringify(measured));
