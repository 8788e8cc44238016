import { showCell } from "../errors.ts";
import type { LabelRules } from "../types.ts";
import { BLANK, type CellPlace, cellError, columnOf, readShare, UNKNOWN } from "./cell.ts";

const MISSING_REMEDY =
  'use `missing: "mask"` to leave unknown labels out of training and metrics, or `missing: "negative"` to read them as 0';
const GRADED_REMEDY =
  "use `softLabels: true` to train on such values as they are, or `labelThreshold: 0.5` to read them as 0 and 1";

/** What the cells of a column mean for training: a target in [0, 1], or {@link UNKNOWN}. */
export class CellRules {
  readonly #rules: LabelRules;
  readonly #ofColumns: boolean;

  /** @param ofColumns whether each label has a column, which may be no label */
  constructor(rules: LabelRules, ofColumns = false) {
    this.#rules = rules;
    this.#ofColumns = ofColumns;
  }

  /** Whether a 0 is refused: where only the labels that apply are marked, it would give blank cells another meaning. */
  get refusesZeros(): boolean {
    return this.#rules.blank === "no";
  }

  /**
   * @param share what `readShare` gives for `cell`
   * @throws {FinetagError} ERR_FINETAG_DATA for a cell that the rules do not cover, with the options that would.
   */
  target(place: CellPlace, cell: unknown, share: number | undefined): number {
    const { blank, soft, threshold } = this.#rules;
    if (share === undefined) {
      const what = `label ${showCell(cell)} in ${columnOf(place)} is neither 0 nor 1; write 0 or 1`;
      throw this.#ofColumns
        ? cellError(place, `${what}, or name only columns of labels (\`labelColumns\`)`, "labelColumns")
        : cellError(place, what);
    }
    if (share === BLANK && blank === "no") return 0;
    if (share === BLANK || share === UNKNOWN) return this.unknown(place, cell);
    if (share === 0 && blank === "no") {
      const what = `${columnOf(place)} has ${showCell(cell)} here and blank cells elsewhere`;
      throw cellError(place, `${what}; ${MISSING_REMEDY}`, "missing");
    }
    if (share === 0 || share === 1) return share;
    if (threshold !== undefined) return share >= threshold ? 1 : 0;
    if (soft) return share;
    throw cellError(
      place,
      `label ${showCell(cell)} in ${columnOf(place)} is graded; ${GRADED_REMEDY}`,
      "softLabels",
    );
  }

  /** For a label, or all labels of a row, that nobody knows. */
  unknown(place: CellPlace, cell: unknown): number {
    if (this.#rules.missing === "mask") return UNKNOWN;
    if (this.#rules.missing === "negative") return 0;
    const found =
      cell === undefined
        ? `no ${columnOf(place)} here`
        : `${shown(cell)} in ${columnOf(place)} is neither yes nor no`;
    throw cellError(place, `${found}; ${MISSING_REMEDY}`, "missing");
  }
}

function shown(cell: unknown): string {
  return typeof cell === "string" && cell.trim() === "" ? "a blank cell" : showCell(cell);
}

/** Reads one cell of a 0/1 column. */
export function readTarget(rules: CellRules, place: CellPlace, cell: unknown): number {
  return rules.target(place, cell, readShare(cell));
}
