#!/usr/bin/env node
// Tokenization compared with Hugging Face tokenizers in Python and transformers.js: the same texts and threads, alternating.

import { join } from "node:path";
import { DATA_HELP, findVocabulary, first, openTexts } from "./lib/data.mjs";
import { finetagVersions } from "./lib/finetag.mjs";
import { nodePeerVersions } from "./lib/node-peers.mjs";
import { runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { median, medians, printMachine, printTable, short, writeResult } from "./lib/report.mjs";
import { startFinetag, startNodePeer, startPythonPeer } from "./lib/side.mjs";

const HELP = `pnpm bench:tokenize [options]

Texts per second that finetag, Hugging Face tokenizers in Python, and transformers.js turn into token ids.

${DATA_HELP}
  --rows N         texts (default: all)
  --rounds N       rounds of each side (default 7)
  --max-length N   (default 128)
  --threads N      (default 2; transformers.js uses one)
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ data: String, vocab: String, rows: Number, rounds: 7, "max-length": 128, threads: 2 },
    output: String,
  },
  async (values, work) => {
    const { rounds, threads, output } = values;
    const source = await openTexts(values.data);
    const texts = first(source.texts, values.rows ?? source.texts.length);
    const model = join(work, "model");
    const vocabulary = await findVocabulary(values.vocab);
    runPeer("make_model.py", [
      ...["--shape", "2x128", "--vocab", vocabulary, "--labels", source.labels, "--out", model],
    ]);
    const sides = {};
    try {
      const settings = { model, threads, maxLength: values["max-length"] };
      sides.finetag = await startFinetag("finetag", "finetag-tokenize.mjs", settings);
      sides.tokenizers = await startPythonPeer("tokenizers", "hf_tokenize.py", settings);
      sides["transformers.js"] = await startNodePeer(
        "transformers.js",
        "transformers-js-tokenize.mjs",
        settings,
      );
      const tokens = await compare(sides, texts);
      const result = await measure(sides, texts, rounds);
      report(texts.length, tokens, result);
      const versions = {
        ...{ ...finetagVersions(), ...nodePeerVersions(), ...sides.tokenizers.ready.versions },
      };
      printMachine(threads, versions);
      const kept = { rows: texts.length, tokens, rounds, threads, maxLength: settings.maxLength };
      writeResult(output, { settings: kept, versions, ...result }, "tokenize");
    } finally {
      for (const side of Object.values(sides)) await side.stop();
    }
  },
);

/**
 * How many tokens the texts have.
 *
 * @throws if a side returns other ids for a text than finetag
 */
async function compare(sides, texts) {
  const { finetag, ...peers } = sides;
  const own = (await finetag.ask({ do: "ids", texts })).ids;
  for (const [name, side] of Object.entries(peers)) {
    const { ids } = await side.ask({ do: "ids", texts });
    const other = texts.findIndex((_, i) => String(ids[i]) !== String(own[i]));
    if (other === -1 && ids.length === texts.length) continue;
    const said = `${name} gives the ids ${ids[other]}, finetag ${own[other]}`;
    throw new Error(`text ${other + 1}, ${JSON.stringify(texts[other])}: ${said}`);
  }
  return own.reduce((sum, { length }) => sum + length, 0);
}

async function measure(sides, texts, rounds) {
  const runs = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, side] of Object.entries(sides)) {
      const { seconds, peak_rss_mb } = await side.ask({ do: "throughput", texts });
      runs[name].push({ texts_per_second: texts.length / seconds, peak_rss_mb });
    }
    const rates = Object.entries(runs).map(
      ([name, list]) => `${name} ${short(list[round].texts_per_second)}`,
    );
    console.error(`round ${round + 1} of ${rounds}, texts/s: ${rates.join(", ")}`);
  }
  const { finetag, ...peers } = runs;
  const ratios = Object.entries(peers).map(([name, theirs]) => [
    `finetag / ${name}`,
    median(finetag.map((run, i) => run.texts_per_second / theirs[i].texts_per_second)),
  ]);
  return {
    sides: Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, medians(list)])),
    ratios: Object.fromEntries(ratios),
    runs,
  };
}

function report(rows, tokens, { sides, ratios }) {
  printTable(
    `${rows} texts of ${tokens} tokens`,
    ["", "texts/s", "tokens/s", "peak MB"],
    Object.entries(sides).map(([name, side]) => [
      name,
      short(side.texts_per_second),
      short((side.texts_per_second * tokens) / rows),
      Math.round(side.peak_rss_mb),
    ]),
  );
  for (const [name, ratio] of Object.entries(ratios)) console.log(`  ${name}: ${short(ratio)} x`);
}
