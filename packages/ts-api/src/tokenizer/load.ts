import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { ioError } from "../io/index.ts";
import { familyOf, type ModelConfig } from "../models/index.ts";
import { buildBert, buildRoberta } from "./build.ts";
import { RustEncoder } from "./encoder.ts";
import { readTokenizerJson } from "./fromJson.ts";
import { type TokenizerJson, tokenIds } from "./json.ts";
import { savedFiles } from "./savedFiles.ts";
import { readSettings, type TokenizerSettings } from "./settings.ts";
import type { TextEncoder } from "./types.ts";
import { readMerges, readVocabJson, readVocabTxt } from "./vocabulary.ts";

/**
 * Loads a model directory's tokenizer: `tokenizer.json`, or else `vocab.txt` (WordPiece), or `vocab.json` with
 * `merges.txt` (byte-level BPE). It gives the ids that transformers 5.18.0 gives for that directory.
 *
 * So, as there, a bare `vocab.txt` means lower case (and with it no accents): a cased model, and bert-base-chinese,
 * says otherwise by `"do_lower_case": false` in `tokenizer_config.json`. And as there, `<mask>` of a bare RoBERTa
 * vocabulary does not take in the space before it.
 *
 * @throws ERR_FINETAG_MODEL for missing or damaged files, with their name.
 */
export async function loadTokenizer(dir: string, config: ModelConfig): Promise<TextEncoder> {
  const encoder = await readTokenizer(dir, config);
  await encoder.open();
  return encoder;
}

/** As {@link loadTokenizer}, but the Rust core makes its tokenizer, and may refuse it, at the first text. */
export async function readTokenizer(dir: string, config: ModelConfig): Promise<TextEncoder> {
  const settings = await readSettings(dir, config);
  const { json, truncationSide } = await tokenizerJson(dir, settings, config.native.vocabSize);
  const side =
    String(settings.json.truncation_side ?? truncationSide).toLowerCase() === "left" ? "left" : "right";
  const text = JSON.stringify(json);
  const ids = tokenIds(json);
  return new RustEncoder({
    json: text,
    ids,
    files: await savedFiles(dir, { json, text, ids, settings, config, truncationSide: side }),
    truncationSide: side,
    pairTypes: familyOf(config).pairTypes,
    typeVocabSize: config.native.typeVocabSize,
    directory: dir,
  });
}

async function tokenizerJson(
  dir: string,
  settings: TokenizerSettings,
  rows: number,
): Promise<{ json: TokenizerJson; truncationSide?: string }> {
  const names = new Set(await readdir(dir).catch((error) => Promise.reject(ioError(error, "read", dir))));
  if (names.has("tokenizer.json")) return readTokenizerJson(dir, settings);
  if (settings.className === "BertTokenizer" && names.has("vocab.txt")) {
    return { json: buildBert(join(dir, "vocab.txt"), await readVocabTxt(dir), settings, rows) };
  }
  if (settings.className === "RobertaTokenizer" && names.has("vocab.json") && names.has("merges.txt")) {
    const vocab = await readVocabJson(dir);
    const merges = await readMerges(dir, vocab);
    return { json: buildRoberta(join(dir, "vocab.json"), vocab, merges, settings, rows) };
  }
  throw noTokenizer(dir, settings.className);
}

function noTokenizer(dir: string, className: string): FinetagError {
  const wanted: Record<string, string> = {
    BertTokenizer: "tokenizer.json or vocab.txt",
    RobertaTokenizer: "tokenizer.json, or vocab.json and merges.txt",
  };
  const path = JSON.stringify(dir);
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    wanted[className] === undefined
      ? `${dir}: a ${className} is read from tokenizer.json only, which is not there; write it once, with transformers ` +
          `in Python: \`AutoTokenizer.from_pretrained(${path}).save_pretrained(${path})\``
      : `${dir}: there is no tokenizer in it; copy ${wanted[className]} of the model into it`,
  );
}
