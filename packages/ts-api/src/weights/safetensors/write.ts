import { FinetagError } from "../../errors/index.ts";
import { type OutputHandle, writeAll } from "../../io/index.ts";
import { countElements } from "../tensors.ts";

/** A float32 tensor that is produced when its turn to be written comes. */
export interface TensorSource {
  name: string;
  shape: number[];
  /** Row-major, as many elements as the shape says: whole, or in parts, each in use until the next one is asked for. */
  read(): Promise<Float32Array> | AsyncIterable<Float32Array>;
}

/**
 * Writes the contents of a safetensors file, holding one tensor, or a part of one, in memory at a time.
 *
 * @param metadata Added to `{"format": "pt"}`, which transformers asks for.
 * @throws ERR_FINETAG_IO with a remedy.
 */
export async function writeTensors(
  handle: OutputHandle,
  tensors: TensorSource[],
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeAll(handle, encodeHeader(tensors, metadata));
  for (const { name, shape, read } of tensors) {
    let elements = 0;
    for await (const { buffer, byteOffset, byteLength, length } of partsOf(read())) {
      await writeAll(handle, new Uint8Array(buffer, byteOffset, byteLength));
      elements += length;
    }
    if (elements === countElements(shape)) continue;
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `tensor ${JSON.stringify(name)} has ${elements} elements, but its shape [${shape.join(", ")}] says ${countElements(shape)}`,
    );
  }
}

async function* partsOf(data: ReturnType<TensorSource["read"]>): AsyncGenerator<Float32Array, void> {
  if (Symbol.asyncIterator in data) yield* data;
  else yield await data;
}

/** Length, then JSON padded with spaces, so that the data starts at a multiple of 8 bytes. */
function encodeHeader(tensors: TensorSource[], metadata: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = Object.create(null);
  header.__metadata__ = { format: "pt", ...metadata };
  let end = 0;
  for (const { name, shape } of tensors) {
    if (name in header)
      throw new FinetagError("ERR_FINETAG_ARGUMENT", `there are two tensors named ${JSON.stringify(name)}`);
    const begin = end;
    end += countElements(shape) * Float32Array.BYTES_PER_ELEMENT;
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}
