export { chineseWords, type WordSegmenter } from "./chinese.ts";
export { addCoverage } from "./coverage.ts";
export { askForTokenizerThreads, TOKENIZERS_VERSION } from "./encode/index.ts";
export { findTokenizerFiles } from "./files.ts";
export { loadTokenizer, readTokenizer } from "./load.ts";
export type { Coverage, EncodedTexts, EncodedWords, TokenCoverage, Tokenizer } from "./types.ts";
