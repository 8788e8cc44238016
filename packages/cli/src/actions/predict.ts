import {
  type Classifier,
  checkWritable,
  dataSpec,
  encodingName,
  evalOptionsSchema,
  openData,
  predictOptionsSchema,
  type TextInput,
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
import { refuseSameFile } from "./same-file.ts";
import { openClassifier, showPlan, showWarnings, TRAIN_KEYS, writingOutput } from "./shared.ts";

const schema = z.strictObject({
  model: z
    .string()
    .min(1)
    .meta({ description: "Model directory, as written by finetag train, or Hub id", heading: "Model" }),
  input: z.string().min(1).optional().meta({
    description: "File with texts, in any format of training data or .txt with one text per line",
    heading: "Data",
  }),
  format: z
    .enum([...evalOptionsSchema.shape.format.unwrap().options, "txt"])
    .optional()
    .meta({ description: "Format of the input (default: detected from the content)", heading: "Data" }),
  output: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "File for the predictions (default: stdout)", heading: "Output" }),
  outputFormat: z.enum(OUTPUT_FORMATS).optional().meta({
    description: "Format of the output (default: from the extension of `output`, else jsonl)",
    heading: "Output",
  }),
  ...predictOptionsSchema.shape,
});

type Options = z.output<typeof schema>;

/** The texts to label, and what is known once all of them have been read. */
interface Inputs {
  texts: AsyncIterable<TextInput>;
  /** Whether a text is labelled before the next one arrives. */
  interactive: boolean;
  pairs: boolean;
  emptyTexts(): number;
}

export const action = defineAction({
  schema,
  alsoNames: TRAIN_KEYS,
  async run(options, { words }, context) {
    const { input, output, batchSize, maxLength, threshold } = options;
    if (words.length > 0 && input !== undefined) {
      throw new UsageError("both texts and --input are given; give one of them");
    }
    if (input !== undefined) await refuseSameFile("--input", input, output);
    const outputAs = outputFormat(options.outputFormat, output);
    if (output !== undefined) await checkWritable(output);
    const { signal, stdin, stdout, stderr } = context;
    const predicting = { batchSize, maxLength, threshold, signal };
    await using classifier = await openClassifier(options, context);
    const shown = new Set<string>();
    showWarnings(classifier, context, shown);
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
      await writingOutput(context, () =>
        writeToFile(output, { signal, atOnce: inputs.interactive }, async (write) => {
          rows = await produce(write);
          signal.throwIfAborted();
        }),
      );
    }
    if (rows === 0 && !signal.aborted) stderr.write("finetag: warning: no texts to label\n");
    showWarnings(classifier, context, shown);
    const empty = inputs.emptyTexts();
    if (empty > 0) stderr.write(`finetag: warning: ${input}: ${emptyText(empty)}\n`);
    return signal.aborted ? (context.interruption.cause === "pipe" ? 0 : context.interruption.exitCode) : 0;
  },
});

async function openInputs(
  options: Options,
  words: string[],
  classifier: Classifier,
  context: Context,
): Promise<Inputs> {
  const { input } = options;
  const { stdin, signal } = context;
  if (input === undefined) {
    const encoding = options.encoding === undefined ? undefined : encodingName(options.encoding);
    const texts = words.length > 0 ? wordInputs(words) : lineInputs(stdin, "stdin", signal, encoding);
    return { texts, interactive: words.length === 0, pairs: false, emptyTexts: () => 0 };
  }
  const { format, ...rest } = options;
  const spec = { ...dataSpec(input, rest), format };
  const file = await openData(spec, { requireLabels: false, columns: classifier.columns, signal });
  showPlan(file.plan, context);
  return {
    texts: fileInputs(file, signal),
    interactive: false,
    pairs: file.columns.textPair !== undefined,
    emptyTexts: () => file.emptyTexts,
  };
}

function emptyText(count: number): string {
  return count === 1 ? "1 text is empty; it is kept" : `${formatCount(count)} texts are empty; they are kept`;
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
