export { chineseWords, type WordSegmenter } from "./chinese.ts";
export { findTokenizerFiles } from "./files.ts";
export { loadTokenizer, readTokenizer } from "./load.ts";
export { askForTokenizerThreads } from "./pool.ts";
export { TOKENIZERS_VERSION } from "./rust-tokenizer.ts";
export type { EncodedTexts, EncodedWords, Tokenizer } from "./types.ts";
