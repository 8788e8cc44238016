import type { DataColumns } from "../../data/index.ts";
import type { FinetagJson } from "../../models/index.ts";
import type { ResolvedFitOptions, ResolvedTrainOptions } from "../../options/index.ts";

/** A run's options without those about an earlier run in the same directory, which do not concern the model. */
export function recordedOptions<Options extends object>(
  options: Options & Partial<Pick<ResolvedTrainOptions, "resume" | "overwrite">>,
): Omit<Options, "resume" | "overwrite"> {
  const { resume: _resume, overwrite: _overwrite, ...recorded } = options;
  return recorded;
}

/** The `finetag.json` of a model that is trained with these options. */
export function finetagJson(
  options: Pick<ResolvedFitOptions, "threshold" | "maxLength">,
  columns: DataColumns,
  versions: Record<string, string>,
): FinetagJson {
  const { threshold, maxLength } = options;
  return { version: 1, threshold, maxLength, columns, arguments: { ...options }, versions };
}
