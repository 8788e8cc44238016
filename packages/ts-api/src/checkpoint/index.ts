export { openSafetensors } from "./safetensors/read.ts";
export { type TensorSource, writeSafetensors, writeTensors } from "./safetensors/write.ts";
export { countElements, type TensorEntry, type TensorFile } from "./tensors.ts";
export { findWeights, openWeights } from "./weights.ts";
