/** Keeps a warning readable; `per_label` has every `null`. */
const MAX_NAMES = 50;

/** Says which metrics are `null`, and for which labels. */
export function undefinedMetricWarnings(
  rows: number,
  names: readonly string[],
  support: Uint32Array,
  known: Uint32Array,
): string[] {
  if (rows === 0) return ["there are no rows, so every metric is null"];
  const warnings: string[] = [];
  const without = names.filter((_, j) => support[j] === 0 && known[j]! > 0);
  if (without.length > 0)
    warnings.push(
      `${subject(without)} on no row, so roc_auc and average_precision are null and left out of the means`,
    );
  const everywhere = names.filter((_, j) => support[j] === known[j] && known[j]! > 0);
  if (everywhere.length > 0)
    warnings.push(`${subject(everywhere)} on every row, so roc_auc is null and left out of the means`);
  const unknown = names.filter((_, j) => known[j] === 0);
  if (unknown.length > 0)
    warnings.push(
      `${subject(unknown)} unknown on every row, so all metrics of it are null and left out of the means`,
    );
  return warnings;
}

function subject(names: string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => JSON.stringify(name));
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return names.length === 1 ? `label ${shown[0]} is` : `labels ${shown.join(", ")}${more} are`;
}
