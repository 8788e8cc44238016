import type { ParameterInfo } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import { familyOf, isHeadParameter, type WeightMatch } from "../models/index.ts";
import type { ModelSource, OpenModelOptions } from "./model.ts";

/**
 * The parameters to initialise: those without a tensor, and the head if it is replaced.
 *
 * @throws FinetagError `ERR_FINETAG_MODEL` for a head with another number of labels that is to be kept.
 */
export function freshParameters(
  source: ModelSource,
  match: WeightMatch,
  parameters: readonly ParameterInfo[],
  options: Pick<OpenModelOptions, "labels" | "newHead">,
): Set<string> {
  const fresh = new Set(match.fresh);
  if (typeof match.head === "object" && options.newHead !== true) {
    const { native } = source.config;
    if (native.numLabels === options.labels.length) {
      throw strangeHead(source.directory, match.head.labels, native.numLabels);
    }
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${source.directory}: its classification head has ${match.head.labels} labels, but the data has ` +
        `${options.labels.length}; set \`newHead: true\` to replace it`,
      { option: "newHead" },
    );
  }
  if (options.newHead === true) {
    for (const { name } of parameters) if (isHeadParameter(name)) fresh.add(name);
  }
  return fresh;
}

/** A head that does not match the config. */
export function strangeHead(directory: string, labels: number, named: number): FinetagError {
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}: its classification head has ${labels} labels, but its config.json names ${named}; use the config.json ` +
      "that belongs to the weights, or train with `newHead: true` to replace the head",
    { option: "newHead" },
  );
}

/** For a layer of the user's own that serves as the head. */
export function ownHeadNotice(directory: string, { ownHead }: WeightMatch): string | undefined {
  if (ownHead === undefined) return undefined;
  const { name, inputs, outputs } = ownHead;
  return (
    `${directory}: takes the layer ${JSON.stringify(name)} (${inputs} to ${outputs}) as the classification head, since it is ` +
    "the only linear layer next to the encoder; it gets what transformers' head would get"
  );
}

const SHOWN_LAYERS = 5;

/** For a model that is used before it was trained. @param match Absent where the labels are not known either. */
export function untrained(
  { directory, config }: ModelSource,
  match: WeightMatch,
  parameters: readonly ParameterInfo[],
): FinetagError {
  const names = parameters.filter(({ name }) => isHeadParameter(name)).map(({ name }) => `"${name}"`);
  const bad = (what: string) => new FinetagError("ERR_FINETAG_MODEL", `${directory}: ${what}`);
  if (match.head === "match") {
    return bad(
      `the weights lack ${match.fresh.map((name) => `"${name}"`).join(", ")}, so its predictions would be random; ` +
        "use the weights of the whole model, or train it first",
    );
  }
  const [only] = match.linear;
  if (only === undefined) {
    return bad("this model is not trained yet; run `finetag train`, or call `train()` first");
  }
  const layers = match.linear
    .slice(0, SHOWN_LAYERS)
    .map(({ name, inputs, outputs }) => `"${name}" (${inputs} to ${outputs})`);
  const more = match.linear.length > SHOWN_LAYERS ? ` and ${match.linear.length - SHOWN_LAYERS} more` : "";
  const head = `the head of transformers' ${familyOf(config).architecture}, ${names.join(", ")}`;
  const fits = match.linear.filter(({ inputs }) => inputs === config.native.hiddenSize);
  const example = (fits[0] ?? only).name;
  const remedy =
    names.length === 2
      ? `if one of them is this head, rename its two tensors in the weights (in Python: sd["classifier.weight"] = ` +
        `sd.pop("${example}.weight"), and .bias likewise), or`
      : "rename its layers to these names if they compute the same, or";
  return bad(
    `the weights lack ${head}; their other linear layers are ${layers.join(", ")}${more}; ${remedy} train a new head first`,
  );
}
