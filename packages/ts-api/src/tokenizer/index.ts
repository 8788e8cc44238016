export { chineseWords, type WordSegmenter } from "./chinese.ts";
export { askForTokenizerThreads, TOKENIZERS_VERSION } from "./encode/index.ts";
export { findTokenizerFiles } from "./files.ts";
export { loadTokenizer, readTokenizer } from "./load.ts";
export type { EncodedTexts, EncodedWords, Tokenizer } from "./types.ts";
