/** Encoding texts with the Rust core: packed results, truncation, and the word of each token. */
export { askForTokenizerThreads } from "./pool.ts";
export { RustTokenizer, TOKENIZERS_VERSION } from "./rust-tokenizer.ts";
export { wordMarks } from "./words.ts";
