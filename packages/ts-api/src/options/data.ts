import { z } from "zod";
import { names } from "./numbers.ts";
import { optionGroup } from "./option.ts";

/** Which rows a run has. `resume` compares fingerprints of the rows, so that a file may have moved. */
export const rowOptions = optionGroup("Data", {
  train: {
    type: z.string().optional(),
    description: "Training file, or a folder or pattern of files that are read as one",
    usedBy: ["data"],
    isPath: true,
    onResume: "compared",
  },
  dev: {
    type: z.string().optional(),
    description: "File to evaluate on during training",
    usedBy: ["data"],
    isPath: true,
    onResume: "compared",
  },
  test: {
    type: z.string().optional(),
    description: "File to evaluate the best model on at the end",
    usedBy: ["data"],
    isPath: true,
    onResume: "free", // it is read after the last step, and decides nothing
  },
  dataDir: {
    type: z.string().optional(),
    description: "Directory with train.csv and, if present, dev.csv (or val.csv), test.csv and classes.txt",
    usedBy: ["data"],
    isPath: true,
    onResume: "compared",
  },
  devSplit: {
    type: z.number().gt(0).lt(1).optional(),
    description: "Share of the training rows to hold out for evaluation, when there is no dev file",
    usedBy: ["data"],
    availableIn: ["Classifier.train"],
    card: "share of rows held out",
  },
});

/** How the columns of a data file are read; the same for train, dev and test. */
export const columnOptions = optionGroup("Data", {
  format: {
    type: z
      .enum(["csv", "tsv", "jsonl", "json", "fasttext", "libmultilabel", "parquet", "xlsx", "arrow"])
      .optional(),
    description: "File format (default: detected from the content)",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  encoding: {
    type: z.string().min(1).optional(),
    description: "Character encoding, such as gb18030 or windows-1252 (default: detected from the content)",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  delimiter: {
    type: z.string().min(1).optional(),
    description: "Character between two fields of a line (default: detected from the content)",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  quoted: {
    type: z.boolean().optional(),
    description:
      "Whether double quotes enclose fields (default: true for CSV, detected from the content for TSV)",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  header: {
    type: z.boolean().default(true),
    description: "Read column names from the first line",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  columns: {
    type: names.optional(),
    description: "Column names in order, for files without a header",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  textColumn: {
    type: z.string().optional(),
    description: "Column that holds the text",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  textPairColumn: {
    type: z.string().optional(),
    description: "Column that holds the second text of a pair",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  idColumn: {
    type: z.string().optional(),
    description: "Column that holds the row's id",
    usedBy: ["data"],
    availableIn: ["eval", "predict"],
    onResume: "compared",
  },
  labelColumns: {
    type: names.optional(),
    description: "Columns that say whether a label applies (0/1, true/false, yes/no, x), one per label",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  labelsColumn: {
    type: z.string().optional(),
    description: "Column that has all labels of a row: names or ids, a 0 or 1 for each, or an object",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  labelSeparator: {
    type: z.string().min(1).optional(),
    description: "Separator of the labels in `labelsColumn` (default: detected from the cells)",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  labelValues: {
    type: z.enum(["names", "ids", "flags"]).optional(),
    description:
      "What `labelsColumn` holds: names, ids from 0, or a 0 or 1 for each label (default: detected from the cells)",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  missing: {
    type: z.enum(["mask", "negative"]).optional(),
    description:
      "Unknown labels (-1, NaN, blank): leave them out of loss and metrics, or read them as 0 (default: refuse them)",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  softLabels: {
    type: z.boolean().optional(),
    description: "Train on labels between 0 and 1 as they are; metrics count them from 0.5 on",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  labelThreshold: {
    type: z.number().gt(0).max(1).optional(),
    description: "Read labels between 0 and 1 as 1 from this value on, and as 0 below it",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  mergeDuplicates: {
    type: z.boolean().optional(),
    description: "Make one row of all rows with the same text, with the labels of all",
    usedBy: ["data"],
    availableIn: ["eval"],
    onResume: "compared",
  },
  labels: {
    type: z.string().optional(),
    description: "File that lists the labels in order, one per line (labels.txt, classes.txt)",
    usedBy: ["data"],
    isPath: true,
    onResume: "compared",
  },
});
