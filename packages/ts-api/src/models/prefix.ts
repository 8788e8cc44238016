import type { ParameterInfo } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import type { TensorEntry } from "../weights/index.ts";
import { FAMILIES, type Family } from "./families/index.ts";
import { tensorNames } from "./names.ts";

/** Where training programs put the model itself; the first that holds one is meant where several do. */
const USUAL = ["state_dict.", "model_state_dict.", "model.", "module.", "net."];

/** Each is looked through for the whole encoder; no file of one model comes near. */
const PREFIX_LIMIT = 16;

/** Tensors by their names after a prefix. */
export function namesBehind(prefix: string, entries: readonly TensorEntry[]): Map<string, TensorEntry> {
  return new Map(
    entries
      .filter(({ name }) => name.startsWith(prefix))
      .map((entry) => [entry.name.slice(prefix.length), entry]),
  );
}

/** The tensor for each parameter, so far as there is one. */
export function findTensors(
  parameters: readonly ParameterInfo[],
  tensors: ReadonlyMap<string, TensorEntry>,
  { bases }: Family,
): Map<string, TensorEntry> {
  const found = new Map<string, TensorEntry>();
  for (const { name } of parameters) {
    const held = tensorNames(name, bases).find((candidate) => tensors.has(candidate));
    if (held !== undefined) found.set(name, tensors.get(held)!);
  }
  return found;
}

/**
 * What precedes the names of a model that is a part of something larger: `module.` of DataParallel, the name
 * under which a class of one's own keeps it, the keys of a training program's checkpoint. It is one with which every
 * tensor of the encoder is there, none at all wherever that will do; else the one with which there are some.
 *
 * @param encoder The parameters that must be there.
 * @throws ERR_FINETAG_MODEL where the file holds several whole encoders, and nothing says which is meant.
 */
export function findPrefix(
  encoder: readonly ParameterInfo[],
  entries: readonly TensorEntry[],
  family: Family,
  where: string,
): string {
  const strange = FAMILIES.flatMap(({ bases }) => bases).filter((base) => !family.bases.includes(base));
  const possible = prefixesOf(tensorNames(family.anchor, family.bases), entries)
    // Without its family's name, a RoBERTa would pass for a BERT.
    .filter((prefix) => !strange.some((base) => `.${prefix}`.endsWith(`.${base}`)))
    .slice(0, PREFIX_LIMIT);
  const whole = possible.filter((prefix) => isWhole(encoder, namesBehind(prefix, entries), family));
  if (whole.length === 0) return possible[0] ?? "";
  const outermost = whole.filter(
    (prefix) => !whole.some((other) => other !== prefix && prefix.startsWith(other)),
  );
  if (outermost.length === 1) return outermost[0]!;
  const usual = USUAL.map((start) => outermost.filter((prefix) => prefix.startsWith(start)));
  const meant = usual.find(({ length }) => length === 1);
  if (meant !== undefined) return meant[0]!;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${where}: the weights have ${outermost.length} encoders, whose names begin with ` +
      `${outermost.map((prefix) => JSON.stringify(prefix)).join(", ")}; save the one you mean to a file of its own`,
  );
}

/** What precedes one of these names, the shortest first. */
function prefixesOf(names: readonly string[], entries: readonly TensorEntry[]): string[] {
  const prefixes = new Set<string>();
  for (const { name } of entries) {
    for (const end of names) {
      if (name === end || name.endsWith(`.${end}`)) prefixes.add(name.slice(0, name.length - end.length));
    }
  }
  return [...prefixes].sort((a, b) => a.length - b.length);
}

function isWhole(
  encoder: readonly ParameterInfo[],
  tensors: ReadonlyMap<string, TensorEntry>,
  family: Family,
): boolean {
  const found = findTensors(encoder, tensors, family);
  return encoder.every(({ name, shape }) => String(found.get(name)?.shape) === String(shape));
}
