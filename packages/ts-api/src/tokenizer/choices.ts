import { familyOf, type ModelConfig, saysClassifier } from "../models/index.ts";
import { CLASSES } from "./classes.ts";
import type { TokenizerFiles } from "./files.ts";
import type { TokenizerJson } from "./json/index.ts";
import type { TokenizerSettings } from "./settings.ts";

/** A choice between two readings, and what to say about it, if anything. */
interface PairTypes {
  /** Whether the second text of a pair is of type 1. */
  pairTypes: boolean;
  why?: string;
}

/**
 * ALBERT's second text is of type 1, as Google trained it and transformers 4 had it. transformers 5 leaves the types out
 * unless the files name them, which those that finetag saves do; to the model, both texts are then of type 0. So a
 * classifier that transformers 5 saved was trained that way, and an encoder was not. The same is true of the general class.
 */
export function choosePairTypes(
  dir: string,
  config: ModelConfig,
  { className, json }: TokenizerSettings,
  { tokenizerJson }: TokenizerFiles,
): PairTypes {
  if (!familyOf(config).pairTypes) return { pairTypes: false };
  const names = json.model_input_names;
  if (Array.isArray(names)) return { pairTypes: names.includes("token_type_ids") };
  // Without tokenizer.json, the tokenizer's files are those that the model was published with.
  const isSaved = tokenizerJson !== undefined && isByTransformers5(config);
  const isLeftOut = CLASSES[className]?.givesTypes !== true && isSaved;
  if (!isLeftOut || config.native.typeVocabSize < 2) return { pairTypes: true };
  const pairTypes = saysClassifier(config) !== true;
  const taken = pairTypes
    ? "types 0 and 1, as the encoder was pretrained; transformers 5 gives both type 0"
    : "type 0 both, as transformers 5, which saved this classifier, does";
  const names01 = '"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]';
  const names00 = '"model_input_names": ["input_ids", "attention_mask"]';
  const other = pairTypes ? names00 : names01;
  return {
    pairTypes,
    why: `${dir}: the texts of a pair get ${taken}; for the other way, put ${other} into tokenizer_config.json`,
  };
}

function isByTransformers5({ json }: ModelConfig): boolean {
  return Number.parseInt(String(json.transformers_version), 10) >= 5;
}

/**
 * What to say where unknown characters could become bytes and do not: the classes of transformers that build a unigram
 * model themselves have no such fallback.
 */
export function byteWarning(
  dir: string,
  { model }: TokenizerJson,
  { className }: TokenizerSettings,
): string | undefined {
  const isBuilt = className === "XLMRobertaTokenizer" || className === "AlbertTokenizer";
  if (!isBuilt || model.type !== "Unigram" || model.byte_fallback !== true) return undefined;
  return (
    `${dir}: its tokenizer has pieces for single bytes, which ${className} of transformers 5 does not use: unknown characters ` +
    'are unknown tokens here as well; if the model was trained with bytes, put "tokenizer_class": "PreTrainedTokenizerFast" ' +
    "into tokenizer_config.json"
  );
}
