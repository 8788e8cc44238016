// onnxruntime-node on token ids made beforehand: only its session is timed.

import { createRequire } from "node:module";
import { join } from "node:path";
import { chunks, eachAlone, rowsOf, seconds, serve, settings } from "./serve.mjs";

const { packages, model, threads, batchSize, padId } = settings;
const ort = createRequire(join(packages, "package.json"))("onnxruntime-node");
const session = await ort.InferenceSession.create(join(model, "onnx", "model.onnx"), {
  executionProviders: ["cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});

/** Pads to the longest text. */
async function run(ids) {
  const tokens = Math.max(...ids.map(({ length }) => length));
  const make = () => new BigInt64Array(ids.length * tokens);
  const [inputIds, mask, types] = [make().fill(BigInt(padId)), make(), make()];
  for (const [i, text] of ids.entries()) {
    for (const [j, id] of text.entries()) {
      inputIds[i * tokens + j] = BigInt(id);
      mask[i * tokens + j] = 1n;
    }
  }
  const tensor = (data) => new ort.Tensor("int64", data, [ids.length, tokens]);
  const feeds = { input_ids: tensor(inputIds), attention_mask: tensor(mask), token_type_ids: tensor(types) };
  return (await session.run(feeds)).logits;
}

async function runAll(ids) {
  const results = [];
  for (const batch of chunks(ids, batchSize)) results.push(await run(batch));
  return results;
}

await serve(
  {},
  {
    logits: async ({ ids }) => ({
      logits: (await runAll(ids)).flatMap(({ data, dims }) => rowsOf(data, dims[1])),
    }),
    throughput: async ({ ids }) => ({ seconds: await seconds(() => runAll(ids)) }),
    latency: ({ ids }) => eachAlone(ids, (text) => run([text])),
  },
);
