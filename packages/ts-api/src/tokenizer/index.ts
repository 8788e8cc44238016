export { chineseWords, type WordSegmenter } from "./chinese.ts";
export { TOKENIZERS_VERSION } from "./encoder.ts";
export { findTokenizerFiles } from "./files.ts";
export { loadTokenizer, readTokenizer } from "./load.ts";
export { askForTokenizerThreads } from "./pool.ts";
export type { EncodedTexts, EncodedWords, TextEncoder } from "./types.ts";
