export { openSafetensors } from "./read.ts";
export { type TensorSource, writeTensors } from "./write.ts";
