export { configSchema } from "./config-schema.ts";
export { declareFlags } from "./declare.ts";
export { flagsOf } from "./flags.ts";
export { type Given, readFlags } from "./read.ts";
export { suggest } from "./suggest.ts";
export { validate } from "./validate.ts";
export { flagWriter, type WriteFlags } from "./write.ts";
