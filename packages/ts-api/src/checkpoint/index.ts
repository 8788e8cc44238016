export { openSafetensors } from "./safetensors/read.ts";
export { type TensorSource, writeSafetensors, writeTensors } from "./safetensors/write.ts";
export type { TensorEntry, TensorFile } from "./tensors.ts";
export { openWeights } from "./weights.ts";
