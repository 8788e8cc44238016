export { buildSentencePiece, sentencePieceLayout } from "./build.ts";
export { charsmapFault } from "./charsmap.ts";
export { albertNormalizer } from "./layouts.ts";
export { WORD_START } from "./vocabulary.ts";
