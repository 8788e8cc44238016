import type { TensorFile } from "../../src/checkpoint/index.ts";

/** All tensors of a file as plain numbers; the file is closed. */
export async function readAll(file: TensorFile): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = {};
  for (const { name } of file.entries()) values[name] = [...(await file.read(name))];
  await file.close();
  return values;
}
