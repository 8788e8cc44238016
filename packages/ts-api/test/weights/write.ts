import { withAtomicFile } from "../../src/io/index.ts";
import { type TensorSource, writeTensors } from "../../src/weights/index.ts";

/** Writes a safetensors file of float32 tensors as a whole. */
export async function writeSafetensors(
  path: string,
  tensors: TensorSource[],
  metadata: Record<string, string> = {},
): Promise<void> {
  await withAtomicFile(path, (handle) => writeTensors(handle, tensors, metadata));
}
