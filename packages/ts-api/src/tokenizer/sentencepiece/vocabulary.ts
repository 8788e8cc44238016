import type { TokenizerJson } from "../json/index.ts";
import { PIECE, type Piece, type SentencePieceModel } from "./model.ts";

/** Marks the start of a word, in place of the space before it. */
export const WORD_START = "\u2581";

/** The core's model of these pieces, of which each has its place as id. */
export function modelJson(
  { kind, byteFallback }: Pick<SentencePieceModel, "kind" | "byteFallback">,
  pieces: readonly Piece[],
  unkId: number,
): TokenizerJson["model"] {
  if (kind === "unigram") {
    return {
      type: "Unigram",
      unk_id: unkId,
      vocab: pieces.map(({ piece, score }): [string, number] => [piece, score]),
      byte_fallback: byteFallback,
    };
  }
  return {
    type: "BPE",
    dropout: null,
    unk_token: pieces[unkId]!.piece,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: idsOf(pieces),
    merges: mergesOf(pieces),
  };
}

export function idsOf(pieces: readonly Piece[]): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  for (const [id, { piece }] of pieces.entries()) ids[piece] = id;
  return ids;
}

/**
 * SentencePiece merges two neighbours wherever both together are a piece, that of the best score first. The core wants
 * the pairs themselves, so each piece is cut in every way that leaves two pieces.
 */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const mergeable = new Set(pieces.filter(isMergeable).map(({ piece }) => piece));
  const order = pieces.filter(isMergeable).sort((a, b) => b.score - a.score);
  const merges: [string, string][] = [];
  for (const { piece } of order) {
    for (let at = 1; at < piece.length; at++) {
      const [left, right] = [piece.slice(0, at), piece.slice(at)];
      if (mergeable.has(left) && mergeable.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}

function isMergeable({ type }: Piece): boolean {
  return type === PIECE.normal || type === PIECE.unused;
}
