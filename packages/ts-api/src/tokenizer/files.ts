import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ioError } from "../io/index.ts";

/** SentencePiece models by their usual names; the last is that of Google's ALBERT archives. */
const SENTENCEPIECE = ["spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "30k-clean.model"];

/** The second is that of Google's Chinese ALBERT archives. */
const WORDPIECE = ["vocab.txt", "vocab_chinese.txt"];

/** In Google's archives, where `config.json` would be. */
const GOOGLE_CONFIGS = ["bert_config.json", "albert_config.json"];

/** What a model directory holds of a tokenizer; the first three are paths. */
export interface TokenizerFiles {
  tokenizerJson: string | undefined;
  wordPiece: string | undefined;
  sentencePiece: string | undefined;
  /** Whether there are `vocab.json` and `merges.txt`. */
  byteLevel: boolean;
  /** As Google published it, for TensorFlow: nothing beside the vocabulary says how texts are cut. */
  isGoogleArchive: boolean;
}

/** @throws ERR_FINETAG_IO where the directory cannot be read. */
export async function findTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const names = new Set(await readdir(dir).catch((error) => Promise.reject(ioError(error, "read", dir))));
  const first = (candidates: string[]) => {
    const name = candidates.find((candidate) => names.has(candidate));
    return name === undefined ? undefined : join(dir, name);
  };
  return {
    tokenizerJson: first(["tokenizer.json"]),
    wordPiece: first(WORDPIECE),
    sentencePiece: first(SENTENCEPIECE),
    byteLevel: names.has("vocab.json") && names.has("merges.txt"),
    isGoogleArchive: first(GOOGLE_CONFIGS) !== undefined && !names.has("tokenizer_config.json"),
  };
}
