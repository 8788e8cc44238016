export type { TensorEntry } from "./header.ts";
export { openSafetensors, type TensorFile } from "./read.ts";
export { openWeights } from "./weights.ts";
export { type TensorSource, writeSafetensors, writeTensors } from "./write.ts";
