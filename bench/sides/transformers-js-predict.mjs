// transformers.js predicting: its own tokenizer, then onnxruntime-node below it.

import { chunks, eachAlone, rowsOf, seconds, serve, settings } from "./serve.mjs";
import { openTransformers } from "./transformers-js.mjs";

const { threads, maxLength, batchSize } = settings;
const { AutoModelForSequenceClassification, AutoTokenizer, name } = openTransformers(settings);
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForSequenceClassification.from_pretrained(name, {
  device: "cpu",
  dtype: "fp32",
  session_options: { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: "all" },
});

async function run(texts) {
  const inputs = await tokenizer(texts, { padding: true, truncation: true, max_length: maxLength });
  closeCut(inputs);
  return (await model(inputs)).logits;
}

/** transformers.js cuts a long text's [SEP] off with the rest; the model was made for texts that end with it. */
function closeCut({ input_ids: ids, attention_mask: mask }) {
  const [rows, tokens] = ids.dims;
  if (tokens < maxLength) return;
  for (let last = tokens - 1; last < rows * tokens; last += tokens) {
    if (mask.data[last] === 1n) ids.data[last] = BigInt(tokenizer.sep_token_id);
  }
}

async function runAll(texts) {
  const results = [];
  for (const batch of chunks(texts, batchSize)) results.push(await run(batch));
  return results;
}

await serve(
  {},
  {
    logits: async ({ texts }) => ({
      logits: (await runAll(texts)).flatMap(({ data, dims }) => rowsOf(data, dims[1])),
    }),
    throughput: async ({ texts }) => ({ seconds: await seconds(() => runAll(texts)) }),
    latency: ({ texts }) => eachAlone(texts, (text) => run([text])),
  },
);
