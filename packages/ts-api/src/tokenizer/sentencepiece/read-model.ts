import { stat } from "node:fs/promises";
import protobuf from "protobufjs/light.js";
import { FinetagError } from "../../errors/index.ts";
import { ioError, readSmallFile } from "../../io/index.ts";
import { charsmapFault } from "./charsmap.ts";
import { PIECE, type Piece, type SentencePieceModel } from "./model.ts";

/**
 * The part of `sentencepiece_model.proto` that decides about ids, with its field numbers and defaults. By the rules of
 * proto2 a false that a file states is not the default.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    Piece: {
      edition: "proto2",
      fields: {
        piece: { type: "string", id: 1 },
        score: { type: "float", id: 2 },
        type: { type: "int32", id: 3, options: { default: PIECE.normal } },
      },
    },
    TrainerSpec: {
      edition: "proto2",
      fields: {
        modelType: { type: "int32", id: 3, options: { default: 1 } },
        treatWhitespaceAsSuffix: { type: "bool", id: 24 },
        byteFallback: { type: "bool", id: 35 },
        unkId: { type: "int32", id: 40, options: { default: 0 } },
        bosId: { type: "int32", id: 41, options: { default: 1 } },
        eosId: { type: "int32", id: 42, options: { default: 2 } },
      },
    },
    NormalizerSpec: {
      edition: "proto2",
      fields: {
        precompiledCharsmap: { type: "bytes", id: 2 },
        addDummyPrefix: { type: "bool", id: 3, options: { default: true } },
        removeExtraWhitespaces: { type: "bool", id: 4, options: { default: true } },
        escapeWhitespaces: { type: "bool", id: 5, options: { default: true } },
      },
    },
  },
});
const pieceType = root.lookupType("Piece");
const trainerType = root.lookupType("TrainerSpec");
const normalizerType = root.lookupType("NormalizerSpec");

interface TrainerSpec {
  modelType: number;
  treatWhitespaceAsSuffix: boolean;
  byteFallback: boolean;
  unkId: number;
  bosId: number;
  eosId: number;
}

interface NormalizerSpec {
  precompiledCharsmap: Uint8Array;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
  escapeWhitespaces: boolean;
}

/** The largest published ones have 250,000 pieces in 5 MB. */
const LIMIT_BYTES = 32 * 1024 * 1024;
const LIMIT_PIECES = 2_000_000;
/** Of {@link cutsOf}: 256,000 pieces of 7 characters have 13 million. */
const LIMIT_CUTS = 2 ** 25;

/**
 * Reads a SentencePiece model.
 *
 * @throws ERR_FINETAG_MODEL for another or a damaged file, or one that needs what the Rust core cannot do.
 */
export async function readSentencePiece(path: string): Promise<SentencePieceModel> {
  const { size } = await stat(path).catch((error) => Promise.reject(ioError(error, "read", path)));
  if (size > LIMIT_BYTES) throw bad(path, `${size} bytes are too many for a SentencePiece model`);
  return parseSentencePiece(await readSmallFile(path, "ERR_FINETAG_MODEL"), path);
}

/** As {@link readSentencePiece}, for bytes that lie in memory. */
export function parseSentencePiece(bytes: Uint8Array, path: string): SentencePieceModel {
  const { pieces, trainer, normalizer } = decode(bytes, path);
  const kind = ({ 1: "unigram", 2: "bpe" } as const)[trainer.modelType];
  if (kind === undefined)
    throw bad(path, `model type ${trainer.modelType} is neither unigram (1) nor BPE (2)`);
  if (trainer.treatWhitespaceAsSuffix || !normalizer.escapeWhitespaces)
    throw bad(path, "its pieces do not mark where a word starts, which the tokenizer core needs");
  if (kind === "bpe" && cutsOf(pieces) > LIMIT_CUTS)
    throw bad(path, "its pieces are too long to be those of a BPE model");
  const charsmap = normalizer.precompiledCharsmap;
  const fault = charsmap.length > 0 ? charsmapFault(charsmap) : undefined;
  if (fault !== undefined) throw bad(path, `damaged (precompiled_charsmap: ${fault})`);
  if (pieces[trainer.unkId]?.type !== PIECE.unknown)
    throw bad(path, `damaged (piece ${trainer.unkId} is not the unknown one)`);
  return {
    path,
    pieces,
    kind,
    unkId: trainer.unkId,
    bos: pieces[trainer.bosId]?.piece ?? "",
    eos: pieces[trainer.eosId]?.piece ?? "",
    byteFallback: trainer.byteFallback,
    charsmap,
    addDummyPrefix: normalizer.addDummyPrefix,
    removeExtraWhitespaces: normalizer.removeExtraWhitespaces,
  };
}

/** Characters that are looked at, and at most written, when each piece is cut in every way (vocabulary.ts, mergesOf). */
function cutsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { piece }) => sum + piece.length ** 2, 0);
}

/**
 * Piece by piece, each checked before the next is made: what a file only claims to hold takes no memory. A file that is
 * cut off between two pieces is still valid protobuf, but lacks the specs, which come last.
 */
function decode(bytes: Uint8Array, path: string) {
  const pieces: Piece[] = [];
  const seen = new Set<string>();
  let trainer: TrainerSpec | undefined;
  let normalizer: NormalizerSpec | undefined;
  try {
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) {
        const piece = message<Piece>(reader, pieceType);
        if (piece.piece === "" || seen.has(piece.piece) || !Number.isFinite(piece.score))
          throw new Error(`piece ${pieces.length} is empty, a duplicate, or without a score`);
        if (pieces.length === LIMIT_PIECES) throw new Error(`more than ${LIMIT_PIECES} pieces`);
        seen.add(piece.piece);
        pieces.push(piece);
      } else if (tag === 18) trainer = message<TrainerSpec>(reader, trainerType);
      else if (tag === 26) normalizer = message<NormalizerSpec>(reader, normalizerType);
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    throw bad(path, `not a SentencePiece model, or damaged (${(error as Error).message})`, error);
  }
  if (pieces.length === 0 || trainer === undefined || normalizer === undefined)
    throw bad(path, "not a SentencePiece model, or cut off");
  return { pieces, trainer, normalizer };
}

function message<T>(reader: protobuf.Reader, type: protobuf.Type): T {
  const length = reader.uint32();
  if (length > reader.len - reader.pos) throw new Error("cut off");
  return type.toObject(type.decode(reader, length), { defaults: true, bytes: Uint8Array }) as T;
}

function bad(path: string, what: string, cause?: unknown): FinetagError {
  return new FinetagError("ERR_FINETAG_MODEL", `${path}: ${what}; fetch the file of the weights again`, {
    cause,
  });
}
