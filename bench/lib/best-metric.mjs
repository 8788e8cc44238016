// Rules that pick a checkpoint by its metrics on the dev data.

const higher = (metric) => ({ name: metric, metric, sign: 1, ties: "loss" });

/** `ties`: what decides between equal values, the first evaluation or the lower loss. */
export const RULES = [
  { name: "micro_f1, first of ties", metric: "micro_f1", sign: 1, ties: "first" },
  higher("micro_f1"),
  higher("macro_f1"),
  higher("average_precision_macro"),
  higher("average_precision_micro"),
  higher("roc_auc_macro"),
  { name: "loss", metric: "loss", sign: -1, ties: "first" },
  { name: "the last one" },
];

/** The index of the checkpoint that a rule picks. */
export function pick(checkpoints, { metric, sign, ties }) {
  if (metric === undefined) return checkpoints.length - 1;
  let best = 0;
  for (const [i, { dev }] of checkpoints.entries()) {
    const difference = sign * ((dev[metric] ?? -1) - (checkpoints[best].dev[metric] ?? -1));
    const isBetter =
      difference > 0 || (difference === 0 && ties === "loss" && dev.loss < checkpoints[best].dev.loss);
    if (isBetter) best = i;
  }
  return best;
}

/** Means over runs of the picked checkpoints' test scores, and how far into the run they are. */
export function meansOf(runs, rule, keys) {
  const picked = runs.map(({ checkpoints }) => checkpoints[pick(checkpoints, rule)]);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const share = mean(picked.map(({ step }, i) => step / runs[i].checkpoints.at(-1).step));
  return {
    share,
    ...Object.fromEntries(keys.map((key) => [key, mean(picked.map(({ test }) => test[key]))])),
  };
}
