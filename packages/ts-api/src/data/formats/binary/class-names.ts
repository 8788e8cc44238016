/** Features of a Hugging Face dataset, as far as they name the values of a column. */
interface Feature {
  _type?: string;
  names?: unknown;
  feature?: unknown;
}

/**
 * The names behind the ids of each column that a Hugging Face dataset declares as ClassLabel, or as a list of them.
 * @param metadata What `datasets` stores with a file under the key "huggingface".
 */
export function classNames(metadata: string | null | undefined): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let features: Record<string, unknown> = {};
  try {
    features = JSON.parse(metadata ?? "{}").info?.features ?? {};
  } catch {}
  for (const [column, feature] of Object.entries(features)) {
    const names = namesOf(feature);
    if (names !== undefined) found.set(column, names);
  }
  return found;
}

function namesOf(feature: unknown): string[] | undefined {
  if (Array.isArray(feature)) return namesOf(feature[0]);
  if (typeof feature !== "object" || feature === null) return undefined;
  const { _type, names, feature: inner } = feature as Feature;
  if (_type !== "ClassLabel") return namesOf(inner);
  return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : undefined;
}

/** Ids as names; what is no id of them, such as -1 for unknown, stays as it is. */
export function toNames(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => toNames(item, names));
  return typeof value === "number" ? (names[value] ?? value) : value;
}
