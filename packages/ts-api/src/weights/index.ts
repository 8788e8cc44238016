export { directoryOf, findWeights, openWeights } from "./open-weights.ts";
export { openSafetensors, type TensorSource, writeTensors } from "./safetensors/index.ts";
export { countElements, type TensorEntry, type TensorFile } from "./tensors.ts";
