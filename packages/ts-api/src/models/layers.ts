import type { ParameterInfo } from "@finetag/core-native";
import type { Family } from "./families/index.ts";
import { tensorNames } from "./names.ts";

const NUMBER = /(?<=\.)\d+(?=\.)/g;

/**
 * The first tensor of a layer that a config leaves out: it is called as those of the encoder's layers, with a higher
 * number. Without it, the model would compute something else than it was trained for.
 *
 * @param unused Tensors that fill no parameter, by their names behind the prefix of the encoder's.
 */
export function layerBeyond(
  unused: readonly string[],
  parameters: readonly ParameterInfo[],
  { bases }: Family,
): string | undefined {
  const names = new Set(parameters.map(({ name }) => name));
  const patterns = new Map<string, string>();
  for (const { name } of parameters) {
    const pattern = name.replace(NUMBER, "#");
    if (pattern === name) continue;
    for (const held of tensorNames(name, bases)) patterns.set(held.replace(NUMBER, "#"), pattern);
  }
  return unused.find((name) => {
    const pattern = patterns.get(name.replace(NUMBER, "#"));
    if (pattern === undefined) return false;
    const numbers = name.match(NUMBER) ?? [];
    // The same layer may be there twice, under two names.
    return !names.has(pattern.replace(/#/g, () => numbers.shift() ?? ""));
  });
}
