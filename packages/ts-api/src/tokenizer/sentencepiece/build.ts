import {
  addedTokens,
  bertTemplate,
  booleanOf,
  fairseqTemplate,
  idOf,
  required,
  type TokenizerJson,
} from "../json/index.ts";
import type { TokenizerSettings } from "../settings.ts";
import {
  albertNormalizer,
  albertPieces,
  fairseqPieces,
  metaspace,
  type Numbered,
  plainNormalizer,
  plainSplitter,
  wordSplitter,
  xlmRobertaNormalizer,
} from "./layouts.ts";
import { PIECE, type SentencePieceModel } from "./model.ts";
import { idsOf, modelJson } from "./vocabulary.ts";

/**
 * Turns a SentencePiece model into the tokenizer that transformers' class has for it, or for any other class into one
 * that does what SentencePiece does, between the class token and the separator that the files next to it name, or the
 * model's own begin and end.
 *
 * @throws ERR_FINETAG_MODEL for a model that is not of that class, or lacks a token that every text needs.
 */
export function buildSentencePiece(
  model: SentencePieceModel,
  settings: TokenizerSettings,
  rows: number,
): TokenizerJson {
  const charsmap = Buffer.from(model.charsmap).toString("base64");
  const base = numbered(model, settings);
  const vocab = idsOf(base.pieces);
  const all = withPieceTokens(withDefaults(settings, model), model);
  const added = addedTokens(vocab, all, rows);
  const id = (token: string) => idOf(token, vocab, added);
  const cls = required(model.path, vocab, all, "cls_token");
  const sep = required(model.path, vocab, all, "sep_token");
  const isFairseq = settings.className === "XLMRobertaTokenizer";
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    ...sentencePieceLayout(settings, charsmap, model),
    post_processor: isFairseq ? fairseqTemplate(cls, sep, id) : bertTemplate(cls, sep, id),
    model: modelJson(model, base.pieces, base.unkId),
  };
}

type Layout = Pick<TokenizerJson, "normalizer" | "pre_tokenizer" | "decoder">;

/**
 * What comes before the pieces are looked up, and after.
 *
 * @param charsmap In base64.
 * @param model Absent where only the two classes that need none can be meant.
 */
export function sentencePieceLayout(
  { className, json }: TokenizerSettings,
  charsmap: string,
  model?: SentencePieceModel,
): Layout {
  const addPrefixSpace = booleanOf(json.add_prefix_space) ?? true;
  const decoder = metaspace(addPrefixSpace ? "always" : "never", true);
  if (className === "AlbertTokenizer") {
    const lowercase = booleanOf(json.do_lower_case) ?? true;
    const keepAccents = booleanOf(json.keep_accents) ?? false;
    const normalizer = albertNormalizer(charsmap, { lowercase, keepAccents });
    return { normalizer, pre_tokenizer: wordSplitter(addPrefixSpace), decoder };
  }
  if (className === "XLMRobertaTokenizer" || model === undefined) {
    const normalizer = xlmRobertaNormalizer(charsmap);
    return { normalizer, pre_tokenizer: wordSplitter(addPrefixSpace), decoder };
  }
  return { normalizer: plainNormalizer(model), pre_tokenizer: plainSplitter(model), decoder };
}

function numbered(model: SentencePieceModel, { className }: TokenizerSettings): Numbered {
  if (className === "AlbertTokenizer") return albertPieces(model);
  if (className === "XLMRobertaTokenizer") return fairseqPieces(model);
  return model;
}

/** A class that is not known here has no tokens of its own; the model's begin and end stand in. */
function withDefaults(settings: TokenizerSettings, { bos, eos, pieces, unkId }: SentencePieceModel) {
  const named = new Map(settings.named);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const or = (role: string, other: string | undefined) => {
    if (!named.has(role) && other) named.set(role, { content: other, ...flags });
  };
  or("cls_token", named.get("bos_token")?.content ?? bos);
  or("sep_token", named.get("eos_token")?.content ?? eos);
  or("unk_token", pieces[unkId]?.piece);
  return { ...settings, named };
}

/**
 * The model's own control pieces are found in a text before it is cut, as in transformers. The symbols of its maker are
 * found in the normalized text where the model merges pairs, since no merge would come to them; to the unigram model
 * they are pieces of the best score.
 */
function withPieceTokens(
  settings: TokenizerSettings,
  { pieces, kind }: SentencePieceModel,
): TokenizerSettings {
  const flags = { single_word: false, lstrip: false, rstrip: false };
  const found = pieces.flatMap(({ piece, type }) => {
    const special = type === PIECE.control;
    const isFound = special || (type === PIECE.userDefined && kind === "bpe");
    return isFound ? [{ content: piece, ...flags, normalized: !special, special }] : [];
  });
  return { ...settings, extra: [...settings.extra, ...found] };
}
