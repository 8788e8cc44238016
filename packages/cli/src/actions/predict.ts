import {
  type Classifier,
  dataOptionsSchema,
  dataSpec,
  openData,
  type TextInput,
  trainOptionsSchema,
} from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { formatCount } from "../output/index.ts";
import {
  createFormat,
  fileInputs,
  lineInputs,
  OUTPUT_FORMATS,
  outputFormat,
  type PredictionFormat,
  runPrompt,
  type Write,
  wordInputs,
  writerTo,
  writeToFile,
} from "../predictions/index.ts";
import { DEVICE_KEYS, deviceShape, openClassifier, thresholdShape } from "./shared.ts";

const { header, columns, textColumn, textPairColumn, idColumn } = dataOptionsSchema.shape;
const columnsShape = { header, columns, textColumn, textPairColumn, idColumn };

const schema = z.strictObject({
  model: z.string().min(1).describe("Model directory, as finetag train writes it"),
  input: z
    .string()
    .min(1)
    .optional()
    .describe("File with texts: CSV, TSV, JSON lines, or .txt with one text a line"),
  output: z.string().min(1).optional().describe("File for the predictions (default: stdout)"),
  outputFormat: z
    .enum(OUTPUT_FORMATS)
    .optional()
    .describe("Format of the output; by the ending of --output if absent"),
  ...thresholdShape,
  maxLength: trainOptionsSchema.shape.maxLength
    .unwrap()
    .optional()
    .describe("Longest text in tokens (default: as in training)"),
  format: z
    .enum(["csv", "tsv", "jsonl", "txt"])
    .optional()
    .describe("Format of the input; by the file's ending if absent"),
  ...columnsShape,
  ...deviceShape,
});

type Options = z.output<typeof schema>;

/** Texts to come, and what was seen once they are through. */
interface Inputs {
  texts: AsyncIterable<TextInput>;
  /** Whether a text may be answered before the next one comes. */
  interactive: boolean;
  pairs: boolean;
  emptyTexts(): number;
}

export const action = defineAction({
  schema,
  groups: {
    Model: ["model", "threshold", "maxLength"],
    Output: ["output", "outputFormat"],
    Input: ["input", "format", ...Object.keys(columnsShape)],
    Run: DEVICE_KEYS,
  },
  async run(options, { words }, context) {
    const { input, output, batchSize, maxLength, threshold } = options;
    if (words.length > 0 && input !== undefined) {
      throw new UsageError("texts are given and --input as well; give one of them");
    }
    const outputAs = outputFormat(options.outputFormat, output);
    const { signal, stdin, stdout, stderr } = context;
    const predicting = { batchSize, maxLength, threshold, signal };
    await using classifier = await openClassifier(options, context);
    const bare = words.length === 0 && input === undefined && output === undefined;
    if (bare && options.outputFormat === undefined && stdin.isTTY === true && stdout.isTTY === true) {
      return await runPrompt(classifier, predicting, context);
    }

    const inputs = await openInputs(options, words, classifier, context);
    const format = createFormat(outputAs, classifier.labels, inputs.pairs);
    const produce = (write: Write) =>
      writeAll(
        classifier.predictStream(inputs.texts, { ...predicting, fullWindows: !inputs.interactive }),
        format,
        write,
      );
    let rows = 0;
    if (output === undefined) rows = await produce(writerTo(stdout, signal));
    else {
      await writeToFile(output, async (write) => {
        rows = await produce(write);
        signal.throwIfAborted();
      });
    }
    if (rows === 0 && !signal.aborted) stderr.write("finetag: warning: there was no text to label\n");
    const empty = inputs.emptyTexts();
    if (empty > 0) stderr.write(`finetag: warning: ${input}: ${emptyText(empty)}\n`);
    return signal.aborted ? (context.interruption.cause === "pipe" ? 0 : context.interruption.exitCode) : 0;
  },
});

async function openInputs(
  options: Options,
  words: string[],
  classifier: Classifier,
  { stdin, signal }: Context,
): Promise<Inputs> {
  const { input } = options;
  if (input === undefined) {
    const texts = words.length > 0 ? wordInputs(words) : lineInputs(stdin, "stdin", signal);
    return { texts, interactive: words.length === 0, pairs: false, emptyTexts: () => 0 };
  }
  const { format, ...rest } = options;
  const spec = { ...dataSpec(input, rest), format };
  const file = await openData(spec, { requireLabels: false, columns: classifier.columns, signal });
  return {
    texts: fileInputs(file, signal),
    interactive: false,
    pairs: file.columns.textPair !== undefined,
    emptyTexts: () => file.emptyTexts,
  };
}

function emptyText(count: number): string {
  return count === 1 ? "1 empty text; it is kept" : `${formatCount(count)} empty texts; they are kept`;
}

/** @returns the number of predictions. */
async function writeAll(
  predictions: ReturnType<Classifier["predictStream"]>,
  format: PredictionFormat,
  write: Write,
): Promise<number> {
  let row = 0;
  const start = format.header();
  if (start !== "") await write(start);
  for await (const prediction of predictions) await write(format.line(prediction, ++row));
  return row;
}
