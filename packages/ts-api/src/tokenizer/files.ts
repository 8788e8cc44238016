import { join } from "node:path";
import { isGoogleConfig, listNames, SENTENCEPIECE_FILES, WORDPIECE_FILES } from "../io/index.ts";

/** What a model directory holds of a tokenizer; the first three are paths. */
export interface TokenizerFiles {
  tokenizerJson: string | undefined;
  wordPiece: string | undefined;
  sentencePiece: string | undefined;
  /** Whether there are `vocab.json` and `merges.txt`. */
  byteLevel: boolean;
  /** As Google published it, for TensorFlow: nothing but the vocabulary says how texts are cut. */
  isGoogleArchive: boolean;
}

/** @throws ERR_FINETAG_IO where the directory cannot be read. */
export async function findTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const listed = await listNames(dir);
  const names = new Set(listed);
  const first = (candidates: readonly string[]) => {
    const name = candidates.find((candidate) => names.has(candidate));
    return name === undefined ? undefined : join(dir, name);
  };
  return {
    tokenizerJson: first(["tokenizer.json"]),
    wordPiece: first(WORDPIECE_FILES),
    sentencePiece: first(SENTENCEPIECE_FILES),
    byteLevel: names.has("vocab.json") && names.has("merges.txt"),
    isGoogleArchive: listed.some(isGoogleConfig) && !names.has("tokenizer_config.json"),
  };
}
