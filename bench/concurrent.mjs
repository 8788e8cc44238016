#!/usr/bin/env node
// What concurrent calls of predict() gain over one call at a time, in one process, alternating.

import { join } from "node:path";
import { finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { SHAPES, writeRandomModel } from "./lib/random-model.mjs";
import { median, medians, printMachine, printTable, quantile, short, writeResult } from "./lib/report.mjs";
import { startFinetag } from "./lib/side.mjs";
import { syntheticLines } from "./lib/synthetic.mjs";

const HELP = `pnpm bench:concurrent [options]

Texts per second in four cases: one predict() with all texts; one predict() per text, all at the same time; clients that
each wait for an answer before the next call; and one text after another. The model and the texts are random.

  --shape SHAPE    shape of the model: ${Object.keys(SHAPES).join(", ")} (default 6x384)
  --rows N         texts (default 1000)
  --single N       texts sent one after another (default 200)
  --clients N      (default 16)
  --tokens N       tokens per text (default 20)
  --labels N       (default 28)
  --rounds N       rounds of each case (default 5)
  --threads N      (default 2)
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{
      shape: "6x384",
      rows: 1000,
      single: 200,
      clients: 16,
      tokens: 20,
      labels: 28,
      rounds: 5,
      threads: 2,
    },
    output: String,
  },
  async ({ help, output, ...settings }, work) => {
    const { shape, rows, single, tokens, labels, rounds, threads } = settings;
    choose("shape", shape, SHAPES);
    const model = join(work, "model");
    const vocabulary = writeRandomModel(model, shape, labels);
    const lines = syntheticLines({ vocabulary, rows: Math.max(rows, single), tokens, labels });
    const texts = lines.map((line) => line.split("\t")[0]);
    const side = await startFinetag("finetag", "finetag-predict.mjs", { model, threads, maxLength: tokens });
    const runs = [];
    try {
      for (let round = 0; round < rounds; round++) {
        runs.push(await turn(side, texts, settings));
        const rates = Object.entries(runs.at(-1)).filter(([name]) => name.endsWith("rate"));
        const shown = rates.map(([name, rate]) => `${name} ${short(rate)}`).join(", ");
        console.error(`round ${round + 1} of ${rounds}: ${shown}`);
      }
    } finally {
      await side.stop();
    }
    const result = medians(runs);
    report(settings, result);
    const versions = finetagVersions();
    printMachine(threads, versions);
    writeResult(output, { settings, versions, ...result, runs }, "concurrent");
  },
);

/** One turn of each way, after a short one that only warms up. */
async function turn(side, texts, { rows, single, clients }) {
  const all = texts.slice(0, rows);
  const ask = async (question) => {
    await side.ask({ ...question, texts: question.texts.slice(0, 64) });
    return await side.ask(question);
  };
  const together = await ask({ do: "throughput", texts: all });
  const concurrent = await ask({ do: "concurrent", texts: all });
  const asking = await ask({ do: "clients", texts: all, count: clients });
  const alone = (await ask({ do: "latency", texts: texts.slice(0, single) })).milliseconds;
  return {
    together_rate: rows / together.seconds,
    concurrent_rate: rows / concurrent.seconds,
    concurrent_share: together.seconds / concurrent.seconds,
    clients_rate: rows / asking.seconds,
    clients_share: together.seconds / asking.seconds,
    clients_p50_ms: median(asking.milliseconds),
    clients_p99_ms: quantile(asking.milliseconds, 0.99),
    single_rate: 1000 / (alone.reduce((sum, each) => sum + each, 0) / alone.length),
    single_p50_ms: median(alone),
    single_p99_ms: quantile(alone, 0.99),
  };
}

function report({ shape, rows, single, clients, tokens }, result) {
  printTable(
    `${shape}: ${rows} texts of ${tokens} tokens; ${single} one after another`,
    ["", "texts/s", "of one call", "p50 ms", "p99 ms"],
    [
      ["one call", short(result.together_rate), "", "", ""],
      ["one call per text, at once", short(result.concurrent_rate), short(result.concurrent_share), "", ""],
      [
        `${clients} clients`,
        ...[result.clients_rate, result.clients_share, result.clients_p50_ms, result.clients_p99_ms].map(
          short,
        ),
      ],
      [
        "one after another",
        ...[result.single_rate, result.single_rate / result.together_rate].map(short),
        ...[result.single_p50_ms, result.single_p99_ms].map(short),
      ],
    ],
  );
}
