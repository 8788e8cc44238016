import { expect } from "vitest";
import type { TensorFile } from "../../src/weights/index.ts";

/** All tensors of a file as plain numbers, read as a whole and in parts; the file is closed. */
export async function readAll(file: TensorFile): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = {};
  for (const { name, shape } of file.entries()) {
    values[name] = [...(await file.read(name))];
    const parts: number[] = [];
    let transposed = false;
    for await (const part of file.readParts(name)) {
      expect(part.begin).toBe(parts.length);
      parts.push(...part.data);
      transposed = part.transposed;
    }
    const [rows = 0, columns = 0] = shape;
    expect(transposed ? turn(parts, rows, columns) : parts, name).toEqual(values[name]);
  }
  await file.close();
  return values;
}

/** The [rows, columns] matrix of which `values` are the transpose. */
function turn(values: number[], rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => {
    return values[(i % columns) * rows + Math.floor(i / columns)]!;
  });
}
