// Writes a TensorFlow checkpoint, so that measuring one takes no TensorFlow. The form: packages/ts-api/src/weights/tensorflow.

import { open, writeFile } from "node:fs/promises";
import { MaskedCrc32c, maskedCrc32c } from "../../packages/ts-api/dist/io/index.js";

const FLOAT = 1;

/** Google's name for a tensor of transformers' BERT. */
export function googleName(name) {
  return name
    .replace(/^classifier\.weight$/, "output_weights")
    .replace(/^classifier\.bias$/, "output_bias")
    .replace(/LayerNorm\.weight$/, "LayerNorm.gamma")
    .replace(/LayerNorm\.bias$/, "LayerNorm.beta")
    .replace(/_embeddings\.weight$/, "_embeddings")
    .replace(/\.weight$/, ".kernel")
    .replace(/\.layer\.(\d+)\./, ".layer_$1.")
    .replaceAll(".", "/");
}

/**
 * Writes float32 variables, one at a time.
 *
 * @param prefix the path without `.index`
 * @param variables `{name, shape, read}` in the order of their names; `read` gives the bytes
 */
export async function writeBundle(prefix, variables) {
  const data = await open(`${prefix}.data-00000-of-00001`, "w");
  const entries = [["", [...field(1, 1), ...message(3, field(1, 1))]]];
  let offset = 0;
  try {
    for (const { name, shape, read } of variables) {
      const bytes = await read();
      await data.write(bytes);
      const checksum = new MaskedCrc32c().update(bytes).digest();
      const dimensions = shape.flatMap((size) => message(2, field(1, size)));
      const place = [...field(4, offset), ...field(5, bytes.byteLength), (6 << 3) | 5, ...word(checksum)];
      entries.push([name, [...field(1, FLOAT), ...message(2, dimensions), ...place]]);
      offset += bytes.byteLength;
    }
  } finally {
    await data.close();
  }
  await writeFile(`${prefix}.index`, table(entries));
}

function table(entries) {
  const out = [];
  const block = (pairs) => {
    const body = pairs.flatMap(([key, value]) => [
      ...[0, ...varint(key.length), ...varint(value.length)],
      ...[...Buffer.from(key), ...value],
    ]);
    const contents = Uint8Array.from([...body, ...word(0), ...word(1), 0]); // one restart point; stored as it is
    const handle = [...varint(out.length), ...varint(contents.length - 1)];
    out.push(...contents, ...word(maskedCrc32c(contents)));
    return handle;
  };
  const handle = block(entries);
  const handles = [...block([]), ...block([["~", handle]])];
  const magic = Buffer.from("57fb808b247547db", "hex");
  return Uint8Array.from([...out, ...handles, ...Array(40 - handles.length).fill(0), ...magic]);
}

const field = (number, value) => [number << 3, ...varint(value)];

const message = (number, bytes) => [(number << 3) | 2, ...varint(bytes.length), ...bytes];

const word = (value) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
