/** The content of a `tokenizer.json`: its layouts, its added tokens, and building one from older files. */
export { addedTokens, renumbered } from "./added-tokens.ts";
export { booleanOf, buildBert, buildRoberta, isUncased, required } from "./build.ts";
export { bertTemplate, fairseqTemplate, idOf, type TokenizerJson, tokenIds } from "./json.ts";
