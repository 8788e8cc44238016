export { TOKENIZERS_VERSION } from "./encoder.ts";
export { loadTokenizer, readTokenizer } from "./load.ts";
export type { EncodedTexts, TextEncoder } from "./types.ts";
