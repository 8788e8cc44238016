export { openSafetensors } from "./read.ts";
export { type TensorSource, writeSafetensors, writeTensors } from "./write.ts";
