// finetag tokenizing, as training and predicting do it.

import { openTokenizer, unpack } from "../lib/tokens.mjs";
import { seconds, serve, settings } from "./serve.mjs";

const { encoder } = await openTokenizer(settings.model);
const encode = (texts) => encoder.encode(texts, undefined, settings.maxLength);

await serve(
  {},
  {
    ids: async ({ texts }) => ({ ids: unpack(await encode(texts)) }),
    throughput: async ({ texts }) => ({ seconds: await seconds(() => encode(texts)) }),
  },
);
