import { extname } from "node:path";
import { type Prediction, predictionToText } from "@finetag/api";
import { stringify } from "csv-stringify/sync";
import { shortened, UsageError } from "../errors.ts";
import { formatFloat32 } from "./float32.ts";

export const OUTPUT_FORMATS = ["jsonl", "csv", "tsv"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Turns predictions into the text of a file. */
export interface PredictionFormat {
  /** The header; empty if the format has none. */
  header(): string;
  /** @param row counted from 1. */
  line(prediction: Prediction, row: number): string;
}

const ENDINGS: Readonly<Record<string, OutputFormat>> = {
  "": "jsonl",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".json": "jsonl",
  ".csv": "csv",
  ".tsv": "tsv",
};

/**
 * The requested format, or the one that the file's extension implies; JSON Lines for stdout.
 *
 * @throws UsageError for an unknown extension, since the user expects it to mean something.
 */
export function outputFormat(asked: OutputFormat | undefined, output: string | undefined): OutputFormat {
  if (asked !== undefined) return asked;
  const ending = extname(output ?? "").toLowerCase();
  const format = ENDINGS[ending];
  if (format !== undefined) return format;
  throw new UsageError(
    `--output ${shortened(output ?? "")}: the extension ${shortened(ending)} implies no format; set --output-format to ${OUTPUT_FORMATS.join(", ")}`,
  );
}

/** @param pairs whether the inputs have a second text. */
export function createFormat(
  format: OutputFormat,
  labels: readonly string[],
  pairs: boolean,
): PredictionFormat {
  switch (format) {
    case "jsonl":
      return { header: () => "", line: (prediction) => `${predictionToText(prediction, labels)}\n` };
    case "csv":
      return csvFormat(labels, pairs);
    case "tsv":
      return testResultsFormat(labels);
  }
}

/**
 * RFC 4180, but with `\n` as the line break. The column `labels` lists a row's labels, separated by commas; as JSON if the name
 * of one of the model's labels has a comma. `finetag train` reads either.
 */
function csvFormat(labels: readonly string[], pairs: boolean): PredictionFormat {
  const pairColumn = (text: string | undefined) => (pairs ? [text ?? ""] : []);
  const asJson = labels.some((label) => label.includes(","));
  const listOf = (given: readonly string[]) => (asJson ? JSON.stringify(given) : given.join(","));
  return {
    header: () => stringify([["id", "text", ...pairColumn("text_pair"), "labels", ...labels]]),
    line: ({ id, text, textPair, labels: given, probabilities }) => {
      const figures = labels.map((label) => String(probabilities[label]));
      return stringify([[id ?? "", text, ...pairColumn(textPair), listOf(given), ...figures]]);
    },
  };
}

/**
 * The `test_results.tsv` of `run_multilabels_classifier.py --do_predict`: no header; the id and the probabilities in
 * label order, separated by commas despite the extension; numbers as numpy prints float32. Rows without an id get their
 * number.
 */
function testResultsFormat(labels: readonly string[]): PredictionFormat {
  return {
    header: () => "",
    line: ({ id, probabilities }, row) =>
      `${[id ?? String(row), ...labels.map((label) => formatFloat32(probabilities[label]!))].join(",")}\n`,
  };
}
