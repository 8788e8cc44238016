import { FinetagError } from "../errors/index.ts";
import { CONFIG } from "../io/index.ts";
import type { ModelConfig } from "./config.ts";

/** What transformers calls a head that gives any number of labels, each by its own sigmoid. */
export const MULTI_LABEL = "multi_label_classification";

/** What other values of `problem_type` say about a model. */
const OTHERS: Readonly<Record<string, string>> = {
  single_label_classification: "it was trained with softmax to give each text exactly one of its labels",
  regression: "it was trained to give numbers, not labels",
};

/**
 * How a model's head was trained, if that was for something else than any number of labels.
 *
 * A config without `problem_type` does not say; transformers writes it at the first training step.
 *
 * @returns Undefined for a model that finetag may use as it is.
 */
export function otherProblem({ json, file }: ModelConfig): string | undefined {
  const type = json.problem_type;
  if (type == null || type === MULTI_LABEL) return undefined;
  const known = typeof type === "string" && Object.hasOwn(OTHERS, type) ? OTHERS[type] : undefined;
  const why = known ?? `that is not ${JSON.stringify(MULTI_LABEL)}`;
  return `${file ?? CONFIG} says problem_type ${JSON.stringify(type)?.slice(0, 100)}: ${why}`;
}

/** For the predictions of a model of another problem. */
export function notMultiLabel(directory: string, problem: string): FinetagError {
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}: ${problem}; use \`multiLabel: true\` to give every label a probability of its own (sigmoid) all the same, ` +
      "or train it with `newHead: true`",
    { option: "multiLabel" },
  );
}
