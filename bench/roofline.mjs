#!/usr/bin/env node
// How close a training step comes to the machine's rate of matrix products, and where the rest of its time goes.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../scripts/lib/errors.mjs";
import { activeVariant, buildFolder } from "../scripts/lib/native/variant.mjs";
import { DATA_HELP, findVocabulary, openTexts } from "./lib/data.mjs";
import { finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { printMachine, printTable, short, writeResult } from "./lib/report.mjs";
import { openTokenizer } from "./lib/tokens.mjs";

const SHAPES = { "6x384": [6, 384], "12x768": [12, 768] };

const HELP = `pnpm bench:roofline [options]

The rate of matrix products at a model's sizes (libtorch's or finetag's, whichever is faster), and the share of it that a
training step and an inference pass reach, alternating in one process. Only necessary work is counted (the last layer at
first tokens).

${DATA_HELP}
  --shape NAME     ${Object.keys(SHAPES).join(" or ")} (default: both)
  --steps N        batches of 32 texts (default 40)
  --rounds N       measurements of each; results are medians (default 3)
  --max-length N   (default 128)
  --threads N      (default 2)
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    data: String,
    vocab: String,
    shape: Object.keys(SHAPES),
    steps: 40,
    rounds: 3,
    "max-length": 128,
    threads: 2,
    output: String,
  },
  async (values, work) => {
    const shapes = [values.shape].flat();
    for (const shape of shapes) choose("shape", shape, SHAPES);
    const program = build();
    const { texts } = await openTexts(values.data);
    const lengths = await countTokens(texts.slice(0, values.steps * 32), await findVocabulary(values.vocab), {
      work,
      maxLength: values["max-length"],
    });
    const results = {};
    for (const shape of shapes) {
      const args = [...SHAPES[shape], 30_522, values.threads, values.steps, values.rounds].map(String);
      results[shape] = JSON.parse(
        execFileSync(program, args, { input: lengths.join(" "), encoding: "utf8" }),
      );
      report(shape, results[shape]);
    }
    const versions = finetagVersions();
    printMachine(values.threads, versions);
    const { steps, rounds, threads, "max-length": maxLength } = values;
    const settings = { steps, rounds, threads, maxLength };
    writeResult(values.output, { settings, versions, results }, "roofline");
  },
);

/** The C++ program, from the build folder of the variant in use. */
function build() {
  const variant = activeVariant();
  const folder = buildFolder(variant);
  if (!existsSync(join(folder, "CMakeCache.txt")))
    throw new SetupError(`the engine is not built for ${variant} yet; run npm run bootstrap`);
  execFileSync("cmake", ["--build", folder, "--target", "finetag_roofline"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(folder, "Release", "finetag_roofline");
}

async function countTokens(texts, vocabulary, { work, maxLength }) {
  const model = join(work, "model");
  mkdirSync(model);
  copyFileSync(vocabulary, join(model, "vocab.txt"));
  writeFileSync(
    join(model, "tokenizer_config.json"),
    '{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}',
  );
  const config = {
    ...{ model_type: "bert", vocab_size: 30_522, hidden_size: 384, num_hidden_layers: 6 },
    ...{ num_attention_heads: 12, intermediate_size: 1536, max_position_embeddings: 512, type_vocab_size: 2 },
  };
  writeFileSync(join(model, "config.json"), JSON.stringify(config));
  const { encoder } = await openTokenizer(model);
  const { cuSeqlens } = await encoder.encode(texts, undefined, maxLength);
  return Array.from({ length: texts.length }, (_, i) => cuSeqlens[i + 1] - cuSeqlens[i]);
}

function report(shape, result) {
  const { gemm, few_rows, gemm_forward, gemm_backward, gemm_training, training, inference, tokens, kernels } =
    result;
  printTable(
    `${shape}: matrix products of ${gemm[0].m} rows, GFLOP/s: libtorch, own`,
    ["", "n", "k", "forward", "input", "weight"],
    gemm.map(({ name, n, k, ...rates }) => [
      name,
      n,
      k,
      ...[rates.forward, rates.input, rates.weight].map((r) => `${short(r.libtorch)}, ${short(r.own)}`),
    ]),
  );
  printTable(
    `${shape}: products of few rows with the weights of all layers, GFLOP/s`,
    ["rows", "libtorch", "own", "for few rows"],
    few_rows.map(({ m, ...rates }) => [m, ...[rates.libtorch, rates.own, rates.few_rows].map(short)]),
  );
  const { seconds, shares } = training;
  const all = Object.values(seconds).reduce((sum, part) => sum + part);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  printTable(
    `${shape}: ${tokens} tokens, kernels for ${kernels}, peak memory ${result.peak_rss_mb} MB`,
    ["", "texts/s", "GFLOP/s", "of products", "their GFLOP/s"],
    [
      ["training", training, gemm_training],
      ["inference", inference, gemm_forward],
    ].map(([name, { texts_per_second, gflops, share }, rate]) => [
      ...[name, short(texts_per_second), short(gflops), percent(share), short(rate)],
    ]),
  );
  printTable(
    `${shape}: a training step by phase`,
    ["", "of its time", "of products", "their GFLOP/s"],
    [
      ["data", "", ""], // no products that must be done
      ["forward", percent(shares.forward), short(gemm_forward)],
      ["backward", percent(shares.backward), short(gemm_backward)],
      ["optimizer", "", ""],
    ].map(([name, ...products]) => [name, percent(seconds[name] / all), ...products]),
  );
}
