import type { Hash } from "node:crypto";
import type { PackedBatch } from "@finetag/core-native";
import type { EncodedTexts } from "../../tokenizer/index.ts";
import {
  eachTarget,
  eachUnknown,
  type PackedLabels,
  POSITIVE_TARGET,
  packLabels,
  type RowLabels,
  UNKNOWN_LABEL,
} from "./labels.ts";

/** Rows of a block; also how many texts are tokenized at once. */
export const BLOCK_ROWS = 1024;

/** Up to {@link BLOCK_ROWS} texts, packed end to end. */
export interface Block extends PackedLabels {
  ids: Uint16Array | Int32Array;
  /** Absent when all are 0. */
  tokenTypes: Uint8Array | undefined;
  /** `[rows + 1]` */
  cuSeqlens: Int32Array;
}

/**
 * Tokenized texts and their labels, in typed arrays outside the JS heap: 2 bytes a token for
 * vocabularies up to 65,536, labels as indices of the positive ones. Rows keep the order of the file.
 */
export class TokenStore {
  /** L: number of labels. */
  readonly labelCount: number;
  readonly #blocks: Block[] = [];
  #rows = 0;
  #tokens = 0;

  constructor(labelCount: number) {
    this.labelCount = labelCount;
  }

  get rows(): number {
    return this.#rows;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Adds a block. Every block but the last has exactly {@link BLOCK_ROWS} rows. */
  append(encoded: EncodedTexts, labels: readonly RowLabels[]): void {
    const rows = encoded.cuSeqlens.length - 1;
    if (this.#rows % BLOCK_ROWS !== 0 || rows > BLOCK_ROWS || rows !== labels.length) {
      throw new RangeError(`a block of ${rows} rows and ${labels.length} label lists does not fit here`);
    }
    this.adopt({
      ids: narrow(encoded.ids),
      tokenTypes: encoded.tokenTypes.some((type) => type !== 0)
        ? Uint8Array.from(encoded.tokenTypes)
        : undefined,
      cuSeqlens: encoded.cuSeqlens,
      ...packLabels(labels),
    });
  }

  /** Takes a block of another store, under the same rule. */
  adopt(block: Block): void {
    this.#blocks.push(block);
    this.#rows += block.cuSeqlens.length - 1;
    this.#tokens += block.ids.length;
  }

  /** What it holds, to be written; not to be changed. */
  get blocks(): readonly Readonly<Block>[] {
    return this.#blocks;
  }

  /** Number of tokens of a row, including special tokens. */
  length(row: number): number {
    const { cuSeqlens } = this.#block(row);
    const at = row % BLOCK_ROWS;
    return cuSeqlens[at + 1]! - cuSeqlens[at]!;
  }

  /** The rows in the order given as one batch; with their targets, and a mask if some are unknown, if asked for. */
  pack(rows: ArrayLike<number>, withLabels: boolean): PackedBatch {
    const cuSeqlens = new Int32Array(rows.length + 1);
    for (let i = 0; i < rows.length; i++) cuSeqlens[i + 1] = cuSeqlens[i]! + this.length(rows[i]!);
    const tokens = cuSeqlens[rows.length]!;
    const ids = new Int32Array(tokens);
    const tokenTypes = new Int32Array(tokens);
    for (let i = 0; i < rows.length; i++) {
      const block = this.#block(rows[i]!);
      const at = rows[i]! % BLOCK_ROWS;
      const start = block.cuSeqlens[at]!;
      const end = block.cuSeqlens[at + 1]!;
      ids.set(block.ids.subarray(start, end), cuSeqlens[i]!);
      if (block.tokenTypes !== undefined)
        tokenTypes.set(block.tokenTypes.subarray(start, end), cuSeqlens[i]!);
    }
    const batch: PackedBatch = { ids, tokenTypes, cuSeqlens };
    if (withLabels) Object.assign(batch, this.#packTargets(rows));
    return batch;
  }

  #packTargets(rows: ArrayLike<number>): Pick<PackedBatch, "labels" | "labelMask"> {
    const labels = new Float32Array(rows.length * this.labelCount);
    let labelMask: Float32Array | undefined;
    for (let i = 0; i < rows.length; i++) {
      const start = i * this.labelCount;
      const block = this.#block(rows[i]!);
      const at = rows[i]! % BLOCK_ROWS;
      eachTarget(block, at, (label, target) => {
        labels[start + label] = target;
      });
      eachUnknown(block, at, (label) => {
        labelMask ??= new Float32Array(labels.length).fill(1);
        labelMask[start + label] = 0;
      });
    }
    return labelMask === undefined ? { labels } : { labels, labelMask };
  }

  /**
   * Sets a 1 for each positive label of the rows in `target`, row-major `[rows, L]`, which is all 0, and
   * {@link UNKNOWN_LABEL} for each unknown one. A label with a target of its own is positive from
   * {@link POSITIVE_TARGET} on.
   */
  writeLabels(rows: ArrayLike<number>, target: Uint8Array): void {
    for (let i = 0; i < rows.length; i++) {
      const start = i * this.labelCount;
      const block = this.#block(rows[i]!);
      const at = rows[i]! % BLOCK_ROWS;
      eachTarget(block, at, (label, share) => {
        if (share >= POSITIVE_TARGET) target[start + label] = 1;
      });
      eachUnknown(block, at, (label) => {
        target[start + label] = UNKNOWN_LABEL;
      });
    }
  }

  /** Sums over rows: the targets of each label, and the rows for which it is known; both `[L]`. */
  labelSums(rows: ArrayLike<number>): { targets: Float64Array; known: Float64Array } {
    const targets = new Float64Array(this.labelCount);
    const known = new Float64Array(this.labelCount).fill(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const block = this.#block(rows[i]!);
      const at = rows[i]! % BLOCK_ROWS;
      eachTarget(block, at, (label, share) => {
        targets[label]! += share;
      });
      eachUnknown(block, at, (label) => {
        known[label]!--;
      });
    }
    return { targets, known };
  }

  /** Feeds all tokens and labels, in the rows' order, to a hash. */
  async updateHash(hash: Hash): Promise<void> {
    for (const block of this.#blocks) {
      const { ids, tokenTypes, cuSeqlens, labels, labelStarts, targets, unknown, unknownStarts } = block;
      const parts = [ids, tokenTypes, cuSeqlens, labels, labelStarts, targets, unknown, unknownStarts];
      for (const part of parts) if (part !== undefined) hash.update(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #block(row: number): Block {
    const block = this.#blocks[Math.floor(row / BLOCK_ROWS)];
    if (block === undefined || row >= this.#rows) throw new RangeError(`row ${row} of ${this.#rows}`);
    return block;
  }
}

function narrow(ids: Int32Array): Uint16Array | Int32Array {
  for (const id of ids) {
    if (id > 0xffff) return ids;
  }
  return Uint16Array.from(ids);
}

/** Rows of a store that belong together: a file, what a split left of it, a window of a stream. */
export interface Split {
  store: TokenStore;
  rows: Uint32Array;
}
