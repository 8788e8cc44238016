import {
  type DataFile,
  type DataSpec,
  findDataDirectory,
  openData,
  readLabelFile,
} from "../../data/index.ts";
import { FinetagError } from "../../errors/index.ts";
import type { DataOptions, ResolvedTrainOptions } from "../../options/index.ts";

export interface RunFiles {
  train: DataFile;
  dev: DataFile | undefined;
  test: DataFile | undefined;
  warnings: string[];
}

interface RunPaths {
  train: string;
  dev: string | undefined;
  test: string | undefined;
  labels: string | undefined;
  /** True if the test file was found in the directory, not given. */
  testIsFound: boolean;
}

/**
 * Opens the files of a run; columns are resolved on the training file and used by name on the others.
 *
 * @param model labels of the model's head, if it keeps one
 */
export async function openRunFiles(
  options: ResolvedTrainOptions,
  model: { directory: string; labels: readonly string[] | undefined },
): Promise<RunFiles> {
  const paths = await findPaths(options);
  const labels = await settleLabels(paths.labels, model);
  const train = await openTrain(dataSpec(paths.train, options), labels, model);
  const known = { labels: train.labels, columns: train.columns, requireLabels: true };
  const dev = paths.dev === undefined ? undefined : await openData(dataSpec(paths.dev, options), known);
  const warnings: string[] = [];
  let test: DataFile | undefined;
  if (paths.test !== undefined) {
    try {
      test = await openData(dataSpec(paths.test, options), known);
    } catch (error) {
      // The test.csv of the TensorFlow 1 tool has no labels: it is for prediction.
      if (!paths.testIsFound || !(error instanceof FinetagError && error.code === "ERR_FINETAG_DATA"))
        throw error;
      warnings.push(
        `${error.message} (the run has no test metrics; use \`finetag predict\` for texts without labels)`,
      );
    }
  }
  return { train, dev, test, warnings };
}

/** A file with the options that describe it. */
export function dataSpec(path: string, options: Omit<DataOptions, "labels">): DataSpec {
  const { format, encoding, delimiter, quoted, header, columns, textColumn, textPairColumn, idColumn } =
    options;
  const { labelColumns, labelsColumn, labelSeparator, labelValues } = options;
  const { missing, softLabels, labelThreshold, mergeDuplicates } = options;
  return {
    path,
    format,
    encoding,
    delimiter,
    quoted,
    header,
    columns,
    textColumn,
    textPairColumn,
    idColumn,
    labelColumns,
    labelsColumn,
    labelSeparator,
    labelValues,
    missing,
    softLabels,
    labelThreshold,
    mergeDuplicates,
  };
}

async function findPaths(options: ResolvedTrainOptions): Promise<RunPaths> {
  const found = options.dataDir === undefined ? {} : await findDataDirectory(options.dataDir);
  const train = options.train ?? found.train;
  if (train === undefined) {
    const message =
      options.dataDir === undefined
        ? "there is no training data; give a file (`train`) or a folder (`dataDir`)"
        : `${options.dataDir}: has no train.csv; name the training file (\`train\`)`;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "train" });
  }
  return {
    train,
    dev: options.dev ?? found.dev,
    test: options.test ?? found.test,
    labels: options.labels ?? found.labels,
    testIsFound: options.test === undefined,
  };
}

async function openTrain(
  spec: DataSpec,
  labels: string[] | undefined,
  model: { directory: string; labels: readonly string[] | undefined },
): Promise<DataFile> {
  try {
    return await openData(spec, { labels, requireLabels: true });
  } catch (error) {
    if (model.labels === undefined || !(error instanceof FinetagError)) throw error;
    const own = await openData(spec, { requireLabels: true }).catch(() => undefined);
    if (own !== undefined) checkSameLabels(own.labels, spec.path, model.labels, model.directory);
    throw error;
  }
}

/** The order of the labels if it is known before the data: the model's, else the label file's. */
async function settleLabels(
  path: string | undefined,
  model: { directory: string; labels: readonly string[] | undefined },
): Promise<string[] | undefined> {
  const given = path === undefined ? undefined : await readLabelFile(path);
  if (model.labels === undefined) return given;
  if (given !== undefined) checkSameLabels(given, path!, model.labels, model.directory);
  return [...model.labels];
}

/** @throws FinetagError `ERR_FINETAG_MODEL` if the two lists have different names. */
export function checkSameLabels(
  given: readonly string[],
  givenBy: string,
  ofModel: readonly string[],
  modelName: string,
): void {
  const extra = given.filter((label) => !ofModel.includes(label));
  const lacking = ofModel.filter((label) => !given.includes(label));
  if (extra.length === 0 && lacking.length === 0) return;
  const differences = [
    extra.length > 0 ? `the model lacks ${list(extra)}` : "",
    lacking.length > 0 ? `the data lacks ${list(lacking)}` : "",
  ].filter((text) => text !== "");
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${givenBy}: its labels differ from those of ${modelName}: ${differences.join(", ")}; ` +
      "use `newHead: true` to replace the model's head",
    { option: "newHead" },
  );
}

function list(names: string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => JSON.stringify(name))
    .join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
