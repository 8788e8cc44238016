#!/usr/bin/env node
// Prediction compared with onnxruntime-node, transformers.js and Hugging Face transformers: the same weights, texts and
// threads, in warm processes that alternate.

import { join } from "node:path";
import { DATA_HELP, findVocabulary, first, openTexts } from "./lib/data.mjs";
import { finetagVersions, int8Loading } from "./lib/finetag.mjs";
import { nodePeerVersions } from "./lib/node-peers.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { median, medians, printMachine, printTable, quantile, short, writeResult } from "./lib/report.mjs";
import { startFinetag, startNodePeer, startPythonPeer } from "./lib/side.mjs";
import { tokenIds } from "./lib/tokens.mjs";

/** Texts of the throughput, by shape: a round of one side takes seconds. */
const ROWS = { "6x384": 1024, "12x768": 256 };
/** float32 in another order of operations gives this much; a wrong mask or padding gives far more. */
const TOLERANCE = 1e-4;
/** Texts that are compared before anything is timed. */
const COMPARED = 64;

const HELP = `pnpm bench:infer [options]

Throughput of finetag, onnxruntime-node, transformers.js and Hugging Face transformers, on texts in their original order
and sorted by length, and latency of single texts.

${DATA_HELP}
  --shape SHAPE    ${Object.keys(ROWS).join(" or ")}; may be repeated (default: both)
  --rows N         texts for the throughput (default ${Object.entries(ROWS)
    .map(([shape, rows]) => `${rows} at ${shape}`)
    .join(", ")})
  --single N       texts for the latency (default 300)
  --rounds N       rounds of each side (default 5)
  --batch-size N   (default 32)       --max-length N   (default 128)
  --threads N      (default 2)        --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ data: String, vocab: String, shape: Object.keys(ROWS), rows: Number, single: 300, rounds: 5 },
    ...{ "batch-size": 32, "max-length": 128, threads: 2, output: String },
  },
  async (values, work) => {
    const { data, vocab, output, shape: shapes, ...settings } = values;
    for (const shape of shapes) choose("shape", shape, ROWS);
    const source = { ...(await openTexts(data)), vocabulary: await findVocabulary(vocab) };
    const cases = {};
    for (const shape of shapes) {
      const options = { ...settings, rows: settings.rows ?? ROWS[shape] };
      cases[shape] = await bench(shape, source, options, join(work, shape));
    }
    printMachine(settings.threads, Object.values(cases)[0].versions);
    const { help, ...kept } = settings;
    writeResult(output, { settings: kept, cases }, "infer");
  },
);

async function bench(shape, { texts, labels, vocabulary }, options, model) {
  const { rows, rounds, single, threads } = options;
  runPeer("make_model.py", ["--shape", shape, "--vocab", vocabulary, "--labels", labels, "--out", model]);
  runPeer("export_onnx.py", ["--model", model]);
  const { ids, padId } = await tokenIds(model, first(texts, Math.max(rows, single)), options["max-length"]);
  const inputs = ids.map((tokens, i) => ({ text: texts[i], ids: tokens }));
  const arrival = inputs.slice(0, rows);
  const sorted = [...arrival].sort((a, b) => b.ids.length - a.ids.length);
  const alone = inputs.slice(0, single);
  const tokens = arrival.reduce((sum, { ids }) => sum + ids.length, 0);

  const sides = {};
  try {
    await start(sides, {
      ...{ model, threads, padId },
      ...{ maxLength: options["max-length"], batchSize: options["batch-size"] },
    });
    const compared = [...arrival.slice(0, COMPARED), sorted[0]];
    const differences = await compare(sides, compared);
    const runs = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, side] of Object.entries(sides)) {
        const run = await turn(side, { arrival, sorted, alone });
        runs[name].push(run);
        console.error(`${shape}, round ${round + 1} of ${rounds}, ${name}: ${short(run.arrival)} texts/s`);
      }
    }
    const result = summarize(runs, tokens / rows);
    report(shape, { ...options, tokens }, result);
    const versions = { ...finetagVersions(), ...nodePeerVersions(), ...sides.transformers.ready.versions };
    return { ...{ rows, tokens, versions, differences }, ...result, runs };
  } finally {
    for (const side of Object.values(sides)) await side.stop();
  }
}

/** Fills in the sides by name, finetag's own first. */
async function start(sides, settings) {
  sides.finetag = await startFinetag("finetag", "finetag-predict.mjs", settings);
  const loading = int8Loading();
  if (loading !== undefined) {
    sides["finetag int8"] = await startFinetag("finetag int8", "finetag-predict.mjs", {
      ...settings,
      loading,
    });
  }
  sides["onnxruntime-node"] = await startNodePeer("onnxruntime-node", "onnxruntime-predict.mjs", settings);
  sides["transformers.js"] = await startNodePeer("transformers.js", "transformers-js-predict.mjs", settings);
  sides.transformers = await startPythonPeer("transformers", "hf_predict.py", settings);
}

/** A side takes what it needs of this. */
function both(inputs) {
  return { texts: inputs.map(({ text }) => text), ids: inputs.map(({ ids }) => ids) };
}

/**
 * Largest difference of a logit from finetag's in float32, by side.
 *
 * @throws where a float32 side differs by more than rounding, or where the texts' logits are so near to each other
 *   that they would hide a difference
 */
async function compare(sides, inputs) {
  const all = {};
  for (const [name, side] of Object.entries(sides)) {
    all[name] = (await side.ask({ do: "logits", ...both(inputs) })).logits;
  }
  const { finetag } = all;
  const columns = finetag[0].map((_, label) => finetag.map((row) => row[label]));
  const spread = median(columns.map((column) => Math.max(...column) - Math.min(...column)));
  if (spread < 100 * TOLERANCE) throw new Error(`logits of different texts differ by ${short(spread)} only`);
  const differences = {};
  for (const [name, logits] of Object.entries(all)) {
    if (logits.length !== finetag.length) throw new Error(`${name} gives ${logits.length} rows of logits`);
    differences[name] = Math.max(
      ...logits.flatMap((row, i) => row.map((logit, label) => Math.abs(logit - finetag[i][label]))),
    );
    // Also true where one of them is not a number.
    if (!(differences[name] <= TOLERANCE) && !name.endsWith("int8")) {
      throw new Error(
        `${name}: a logit differs from finetag's by ${differences[name]}, more than ${TOLERANCE}`,
      );
    }
  }
  return differences;
}

/** One turn of a side: each measurement after a short one that only warms up. */
async function turn(side, { arrival, sorted, alone }) {
  const rate = async (inputs) => {
    await side.ask({ do: "throughput", ...both(inputs.slice(0, COMPARED)) });
    const { seconds } = await side.ask({ do: "throughput", ...both(inputs) });
    return inputs.length / seconds;
  };
  const run = { arrival: await rate(arrival), sorted: await rate(sorted) };
  await side.ask({ do: "latency", ...both(alone.slice(0, 10)) });
  const { milliseconds, peak_rss_mb } = await side.ask({ do: "latency", ...both(alone) });
  return { ...run, p50_ms: median(milliseconds), p99_ms: quantile(milliseconds, 0.99), peak_rss_mb };
}

/**
 * Medians by side, and what finetag's rate is to each peer's in the same round. finetag sorts by itself, so its
 * rate over unsorted texts is compared with both of the peer's.
 */
function summarize(runs, tokensPerText) {
  const sides = Object.fromEntries(
    Object.entries(runs).map(([name, list]) => {
      const found = medians(list);
      return [name, { ...found, arrival_tokens: found.arrival * tokensPerText }];
    }),
  );
  const ratios = {};
  for (const [own, mine] of Object.entries(runs).filter(([name]) => name.startsWith("finetag"))) {
    for (const [name, theirs] of Object.entries(runs).filter(([name]) => !name.startsWith("finetag"))) {
      ratios[`${own} / ${name}`] = medians(
        mine.map((run, i) => ({
          arrival: run.arrival / theirs[i].arrival,
          sorted: run.arrival / theirs[i].sorted,
          given_sorted: run.sorted / theirs[i].sorted,
          p50: theirs[i].p50_ms / run.p50_ms,
          p99: theirs[i].p99_ms / run.p99_ms,
          memory: run.peak_rss_mb / theirs[i].peak_rss_mb,
        })),
      );
    }
  }
  return { sides, ratios };
}

function report(shape, options, { sides, ratios }) {
  const { rows, tokens, single } = options;
  printTable(
    `${shape}: ${rows} texts of ${tokens} tokens, batches of ${options["batch-size"]}; ${single} single texts`,
    ["", "unsorted/s", "tokens/s", "sorted/s", "p50 ms", "p99 ms", "peak MB"],
    Object.entries(sides).map(([name, side]) => [
      name,
      ...[side.arrival, side.arrival_tokens, side.sorted, side.p50_ms, side.p99_ms].map(short),
      Math.round(side.peak_rss_mb),
    ]),
  );
  printTable(
    "times as fast as the peer (memory: times as much)",
    ["", "unsorted", "peer sorted", "both sorted", "p50", "p99", "memory"],
    Object.entries(ratios).map(([name, r]) => [
      name,
      ...[r.arrival, r.sorted, r.given_sorted, r.p50, r.p99, r.memory].map(short),
    ]),
  );
}
