import { expect } from "vitest";
import type { TensorFile } from "../../src/checkpoint/index.ts";

/** All tensors of a file as plain numbers, read as a whole and in parts; the file is closed. */
export async function readAll(file: TensorFile): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = {};
  for (const { name } of file.entries()) {
    values[name] = [...(await file.read(name))];
    const parts: number[] = [];
    for await (const part of file.readParts(name)) parts.push(...part);
    expect(parts, name).toEqual(values[name]);
  }
  await file.close();
  return values;
}
