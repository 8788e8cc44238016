// transformers.js tokenizing: in JavaScript, on one thread.

import { seconds, serve, settings } from "./serve.mjs";
import { openTransformers } from "./transformers-js.mjs";

const { AutoTokenizer, name } = openTransformers(settings);
const tokenizer = await AutoTokenizer.from_pretrained(name);
const options = { truncation: true, max_length: settings.maxLength, return_tensor: false };

/** transformers.js cuts a long text's [SEP] off with the rest: it is put back. */
function encode(texts) {
  const { input_ids: ids } = tokenizer(texts, options);
  for (const text of ids)
    if (text.length === settings.maxLength) text[text.length - 1] = tokenizer.sep_token_id;
  return ids;
}

await serve(
  {},
  {
    ids: ({ texts }) => ({ ids: encode(texts) }),
    throughput: async ({ texts }) => ({ seconds: await seconds(() => encode(texts)) }),
  },
);
