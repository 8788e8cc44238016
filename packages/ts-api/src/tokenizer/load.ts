import { join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import type { ModelConfig } from "../models/index.ts";
import { byteWarning, choosePairTypes } from "./choices.ts";
import { CLASSES } from "./classes.ts";
import { CoverageCounter } from "./coverage.ts";
import { RustTokenizer, wordMarks } from "./encode/index.ts";
import { findTokenizerFiles, type TokenizerFiles } from "./files.ts";
import { readTokenizerJson } from "./from-json.ts";
import { buildBert, buildRoberta, isUncased, type TokenizerJson, tokenIds } from "./json/index.ts";
import { savedFiles } from "./saved-files.ts";
import { buildSentencePiece } from "./sentencepiece/index.ts";
import { readSettings, type TokenizerSettings } from "./settings.ts";
import type { Tokenizer } from "./types.ts";
import { readMerges, readVocabJson, readVocabTxt } from "./vocabulary.ts";

/**
 * Loads a model directory's tokenizer: `tokenizer.json`, or else `vocab.txt` (WordPiece), `vocab.json` with
 * `merges.txt` (byte-level BPE), or a SentencePiece model. It gives the ids that transformers 5.18.0 gives for that
 * directory.
 *
 * So, as there, a bare `vocab.txt` means lower case (and with it no accents): a cased model, and bert-base-chinese,
 * says otherwise by `"do_lower_case": false` in `tokenizer_config.json`. In an archive of Google's, with
 * `bert_config.json`, the vocabulary itself shows it (see `isUncased`). And as in transformers, `<mask>` of a bare RoBERTa
 * vocabulary does not take in the space before it.
 *
 * @throws ERR_FINETAG_MODEL for missing or damaged files, with their name.
 */
export async function loadTokenizer(dir: string, config: ModelConfig): Promise<Tokenizer> {
  const tokenizer = await readTokenizer(dir, config);
  await tokenizer.open();
  return tokenizer;
}

/** As {@link loadTokenizer}, but the Rust core makes its tokenizer, and may refuse it, at the first text. */
export async function readTokenizer(dir: string, config: ModelConfig): Promise<Tokenizer> {
  const files = await findTokenizerFiles(dir);
  const settings = await readSettings(dir, config, files);
  const { json, truncationSide } = await tokenizerJson(dir, files, settings, config.native.vocabSize);
  const side =
    String(settings.json.truncation_side ?? truncationSide).toLowerCase() === "left" ? "left" : "right";
  const { pairTypes, why } = choosePairTypes(dir, config, settings, files);
  const bytes = byteWarning(dir, json, settings);
  if (bytes !== undefined) json.model = { ...json.model, byte_fallback: false };
  const text = JSON.stringify(json);
  const ids = tokenIds(json);
  return new RustTokenizer({
    json: text,
    ids,
    words: wordMarks(json),
    files: await savedFiles(dir, { json, text, ids, settings, config, pairTypes, truncationSide: side }),
    truncationSide: side,
    pairTypes,
    typeVocabSize: config.native.typeVocabSize,
    directory: dir,
    warnings: [why, bytes].filter((warning) => warning !== undefined),
    coverage: new CoverageCounter(json, ids),
  });
}

async function tokenizerJson(
  dir: string,
  files: TokenizerFiles,
  settings: TokenizerSettings,
  rows: number,
): Promise<{ json: TokenizerJson; truncationSide?: string }> {
  const { className } = settings;
  if (files.tokenizerJson !== undefined) return readTokenizerJson(dir, settings);
  if (className === "BertTokenizer" && files.wordPiece !== undefined) {
    const vocab = await readVocabTxt(files.wordPiece);
    const json = files.isGoogleArchive
      ? { do_lower_case: isUncased(vocab), ...settings.json }
      : settings.json;
    return { json: buildBert(files.wordPiece, vocab, { ...settings, json }, rows) };
  }
  if (className === "RobertaTokenizer" && files.byteLevel) {
    const vocab = await readVocabJson(dir);
    const merges = await readMerges(dir, vocab);
    return { json: buildRoberta(join(dir, "vocab.json"), vocab, merges, settings, rows) };
  }
  if (files.sentencePiece !== undefined) {
    const { readSentencePiece } = await import("./sentencepiece/read-model.ts"); // loads protobufjs
    return { json: buildSentencePiece(await readSentencePiece(files.sentencePiece), settings, rows) };
  }
  throw noTokenizer(dir, className);
}

function noTokenizer(dir: string, className: string): FinetagError {
  const wanted = CLASSES[className]?.files;
  const path = JSON.stringify(dir);
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    wanted === undefined
      ? `${dir}: finetag reads a ${className} from tokenizer.json or a SentencePiece model only, and there is neither; ` +
          `save it once with transformers, in Python: \`AutoTokenizer.from_pretrained(${path}).save_pretrained(${path})\``
      : `${dir}: has no tokenizer; copy ${wanted} of the model into it`,
  );
}
