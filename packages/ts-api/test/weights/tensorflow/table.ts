/** Indexes of TensorFlow checkpoints, made by hand. */
import { maskedCrc32c } from "../../../src/io/index.ts";

/** A table as table.cc writes it, of parts that need not make sense. */
export class Table {
  readonly #bytes: number[] = [];

  block(contents: number[], kind = 0): [offset: number, size: number] {
    const offset = this.#bytes.length;
    const checked = Uint8Array.from([...contents, kind]);
    this.#bytes.push(...checked, ...littleEndian(maskedCrc32c(checked)));
    return [offset, contents.length];
  }

  finish(index: [number, number]): Uint8Array {
    const handles = [0, 0, ...index].flatMap(varint);
    const padding = Array<number>(40 - handles.length).fill(0);
    const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
    return Uint8Array.from([...this.#bytes, ...handles, ...padding, ...magic]);
  }
}

export function varint(value: number): number[] {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

function littleEndian(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
}

export type Entry = [shared: number, key: string, value: number[]];

export function blockOf(entries: Entry[], restarts = 1): number[] {
  const data = entries.flatMap(([shared, key, value]) => [
    ...varint(shared),
    ...varint(key.length),
    ...varint(value.length),
    ...Buffer.from(key),
    ...value,
  ]);
  return [...data, ...littleEndian(0), ...littleEndian(restarts)];
}

/** One shard, version 1. */
export const HEADER: Entry = [0, "", [8, 1, 26, 2, 8, 1]];
export const NAME = "bert/pooler/dense/bias";
/** float32 [2] at byte 0. */
export const BIAS: Entry = [0, NAME, [8, 1, 18, 4, 18, 2, 8, 2, 40, 8, 53, 0, 0, 0, 0]];

export function tableOf(entries: Entry[]): Uint8Array {
  const table = new Table();
  const handle = table.block(blockOf(entries));
  return table.finish(table.block(blockOf([[0, "z", handle.flatMap(varint)]])));
}
