import { z } from "zod";

const count = z.number().int().nonnegative();
const positive = z.number().int().positive();
const columns = z.array(z.string().min(1)).nonempty();

/** How the columns of a data file are read; the same for train, dev and test. */
export const dataOptionsSchema = z.strictObject({
  format: z.enum(["csv", "tsv", "jsonl"]).optional().describe("File format; by the file's ending if absent"),
  header: z.boolean().optional().describe("Whether the first line names the columns (default true)"),
  columns: columns.optional().describe("Column names by position, for files without a header"),
  textColumn: z.string().optional().describe("Column of the text"),
  textPairColumn: z.string().optional().describe("Column of the second text of a pair"),
  idColumn: z.string().optional().describe("Column of the row's id"),
  labelColumns: columns.optional().describe("Columns that hold 0 or 1, one for each label"),
  labelsColumn: z.string().optional().describe("One column with all label names or ids of a row"),
  labelSeparator: z
    .string()
    .min(1)
    .optional()
    .describe("What separates labels in --labels-column (default ,)"),
  labels: z
    .string()
    .optional()
    .describe("File with the labels in order, one a line (labels.txt, classes.txt)"),
});

/** Everything `finetag train` takes, in camelCase; defaults are those of Hugging Face Trainer where it has one. */
export const trainOptionsSchema = dataOptionsSchema.extend({
  model: z.string().min(1).describe("Model directory, catalogue name or Hub id"),
  outputDir: z.string().min(1).describe("Where the best model, checkpoints and metrics.json go"),
  train: z.string().optional().describe("Training file"),
  dev: z.string().optional().describe("File to evaluate on while training"),
  test: z.string().optional().describe("File to evaluate the best model on at the end"),
  dataDir: z.string().optional().describe("Folder with train.csv, dev.csv, test.csv and classes.txt"),
  devSplit: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe("Share of the training rows to hold out when there is no dev file"),
  newHead: z
    .boolean()
    .default(false)
    .describe("Replace a classification head of another size or other labels"),
  headBias: z
    .enum(["zero", "frequency"])
    .default("zero")
    .describe("Where a new head's biases start; frequency: at the labels' shares, for many rare labels"),
  maxLength: positive.min(3).default(128).describe("Longest text in tokens; longer ones are cut"),
  epochs: z.number().positive().default(3).describe("Passes over the training rows"),
  maxSteps: positive.optional().describe("Optimizer steps; overrides epochs"),
  batchSize: positive.default(32).describe("Texts in a batch"),
  evalBatchSize: positive
    .optional()
    .describe("Most texts in a batch when evaluating (default: as many as 2048 tokens hold; 16384 on a GPU)"),
  groupByLength: z
    .boolean()
    .default(true)
    .describe("Train on texts of about one length at a time, within windows of 50 shuffled steps"),
  gradientAccumulation: positive.default(1).describe("Batches in one optimizer step"),
  learningRate: z.number().positive().default(5e-5).describe("Peak learning rate of AdamW"),
  warmupRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("Share of the steps in which the rate rises from 0"),
  schedule: z
    .enum(["linear", "cosine", "constant"])
    .default("linear")
    .describe("Course of the rate after warm-up"),
  weightDecay: z
    .number()
    .nonnegative()
    .default(0.01)
    .describe("Decoupled decay, not on biases and layer norms"),
  adamBeta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's beta1"),
  adamBeta2: z.number().min(0).lt(1).default(0.999).describe("AdamW's beta2"),
  adamEpsilon: z.number().positive().default(1e-8).describe("AdamW's epsilon"),
  maxGradNorm: z
    .number()
    .nonnegative()
    .default(1)
    .describe("Gradients are scaled down to this L2 norm; 0: never"),
  dropout: z.number().min(0).lt(1).optional().describe("Replaces the dropout rates of the model's config"),
  seed: count
    .max(0xffffffff)
    .default(42)
    .describe("Seeds new weights, data order, dropout and the dev split"),
  threads: positive.optional().describe("CPU threads (default: all cores)"),
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, "must be auto, cpu, cuda or cuda:N")
    .default("auto")
    .describe("auto, cpu, cuda or cuda:N"),
  precision: z
    .enum(["float32", "bf16"])
    .default("float32")
    .describe("bf16: autocast where the device has it"),
  threshold: z.number().gt(0).lt(1).default(0.5).describe("A label is given above this probability"),
  evalEvery: z
    .union([z.literal("epoch"), positive])
    .default("epoch")
    .describe("Evaluate every N steps, or each epoch"),
  saveEvery: z
    .union([z.literal("epoch"), positive])
    .default("epoch")
    .describe("Checkpoint every N steps, or each epoch"),
  keepCheckpoints: positive.default(2).describe("Newest checkpoints to keep"),
  bestMetric: z.string().default("micro_f1").describe("Dev metric that picks the best model"),
  earlyStopping: positive
    .optional()
    .describe("Stop after this many evaluations without a better --best-metric"),
  resume: z
    .boolean()
    .default(false)
    .describe("Go on from the newest whole checkpoint of the output directory"),
  overwrite: z.boolean().default(false).describe("Start anew in an output directory that holds a run"),
  tokenCache: z
    .boolean()
    .default(true)
    .describe("Keep the tokens of the data in finetag's cache for the next run on the same files"),
  tensorboard: z.boolean().default(true).describe("Write TensorBoard event files to OUTPUT_DIR/runs"),
  logEvery: positive.default(10).describe("Steps between two entries in logs"),
  offline: z.boolean().optional().describe("Use only models on this machine (default: HF_HUB_OFFLINE)"),
});

/** Options as a caller gives them: what has a default may be absent. */
export type TrainOptions = z.input<typeof trainOptionsSchema>;
/** Options with defaults filled in. */
export type ResolvedTrainOptions = z.output<typeof trainOptionsSchema>;
export type DataOptions = z.infer<typeof dataOptionsSchema>;

/** Hyperparameters of `Classifier.train`; those of the data, the model and the output are given elsewhere. */
export const fitOptionsSchema = trainOptionsSchema.pick({
  devSplit: true,
  headBias: true,
  maxLength: true,
  epochs: true,
  maxSteps: true,
  batchSize: true,
  evalBatchSize: true,
  groupByLength: true,
  gradientAccumulation: true,
  learningRate: true,
  warmupRatio: true,
  schedule: true,
  weightDecay: true,
  adamBeta1: true,
  adamBeta2: true,
  adamEpsilon: true,
  maxGradNorm: true,
  seed: true,
  threshold: true,
  evalEvery: true,
  bestMetric: true,
  earlyStopping: true,
});

export type FitOptions = z.input<typeof fitOptionsSchema>;
export type ResolvedFitOptions = z.output<typeof fitOptionsSchema>;
