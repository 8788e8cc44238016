import { writeFile } from "node:fs/promises";

/** A safetensors file from parts that need not agree with each other. */
export function build(header: unknown, data: Uint8Array, claimedLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.byteLength);
  return bytes;
}

/** Float32 tensors laid end to end. */
export async function writeFloats(path: string, tensors: Record<string, number[]>): Promise<void> {
  const header: Record<string, unknown> = {};
  const data = new Float32Array(Object.values(tensors).flat());
  let begin = 0;
  for (const [name, values] of Object.entries(tensors)) {
    const end = begin + values.length * 4;
    header[name] = { dtype: "F32", shape: [values.length], data_offsets: [begin, end] };
    begin = end;
  }
  await writeFile(path, build(header, new Uint8Array(data.buffer)));
}
