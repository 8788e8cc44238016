export { loadTokenizer } from "./load.ts";
export type { EncodedTexts, TextEncoder } from "./types.ts";
