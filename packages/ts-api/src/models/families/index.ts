import type { ModelFamily } from "@finetag/core-native";
import { albert } from "./albert.ts";
import { bert } from "./bert.ts";
import { distilbert } from "./distilbert.ts";
import { electra } from "./electra.ts";
import { ernie } from "./ernie.ts";
import type { Family } from "./family.ts";
import { roberta } from "./roberta.ts";
import { xlmRoberta } from "./xlm-roberta.ts";

export type { Family } from "./family.ts";

/** All that finetag reads. In a config without a model type, the first that knows it wins. */
export const FAMILIES: readonly Family[] = [albert, distilbert, electra, ernie, roberta, xlmRoberta, bert];

/** The position of a text's first token in a model of this architecture. */
export function firstPosition(engine: ModelFamily, padTokenId: number): number {
  const family = FAMILIES.find((candidate) => candidate.engine === engine);
  return family?.positionsAfterPadding ? padTokenId + 1 : 0;
}

/** The family of a model type. */
export function familyOf({ modelType }: { modelType: string }): Family {
  return FAMILIES.find((family) => family.modelType === modelType)!;
}

/**
 * The family that a config.json describes: by its `model_type`; in older files, which have none, by the class in
 * `architectures`; in those that come with TensorFlow checkpoints, by the keys that only one family has. Undefined
 * for another model type, and where nothing says which it is.
 */
export function findFamily(json: Readonly<Record<string, unknown>>): Family | undefined {
  const { model_type: modelType, architectures } = json;
  if (modelType != null) return FAMILIES.find((family) => family.modelType === modelType);
  if (Array.isArray(architectures) && architectures.length > 0) {
    return FAMILIES.find(({ architecture }) => {
      const [prefix] = architecture.split("For");
      return architectures.some(
        (name) => name === `${prefix}Model` || String(name).startsWith(`${prefix}For`),
      );
    });
  }
  return FAMILIES.find(({ knownBy }) => knownBy?.(json));
}
