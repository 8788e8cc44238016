import { FinetagError } from "../../errors/index.ts";
import { type OnResume, optionSpecs } from "../../options/index.ts";
import type { TrainState } from "./state.ts";

/** The run about to start, to be compared with the run of a checkpoint. */
export type ComparedState = Pick<
  TrainState,
  "options" | "labels" | "model" | "data" | "device" | "threads" | "versions" | "totalSteps"
>;

/**
 * Checks that a run may continue from a checkpoint.
 *
 * @returns warnings about differences that may change the last bits of a float.
 * @throws FinetagError `ERR_FINETAG_CHECKPOINT` that names the first thing that differs and both values.
 */
export function compareWithCheckpoint(path: string, saved: ComparedState, now: ComparedState): string[] {
  const refuse = (what: string, before: unknown, given: unknown, option = "overwrite"): never => {
    throw new FinetagError(
      "ERR_FINETAG_CHECKPOINT",
      `${what} is ${show(given)}, but ${path} was written ${before === undefined ? "without it" : `with ${show(before)}`}; ` +
        "give the same value to resume, or start over with `overwrite: true`",
      { option },
    );
  };
  const compare = (what: string, before: unknown, given: unknown, option?: string) => {
    if (JSON.stringify(before) !== JSON.stringify(given)) refuse(what, before, given, option);
  };

  for (const key of optionsThatAre("fixed"))
    compare(`\`${key}\``, settingOf(key, saved), settingOf(key, now), key);
  compare("the list of labels", saved.labels, now.labels);
  for (const key of Object.keys({ ...saved.model, ...now.model })) {
    compare(`the model's ${key}`, saved.model[key], now.model[key]);
  }
  for (const split of ["train", "dev"] as const) {
    const before = saved.data[split];
    const given = now.data[split];
    if (before?.sha256 === given?.sha256) continue;
    refuse(`the ${split} data`, before && describe(before), given && describe(given));
  }
  compare("the number of steps", saved.totalSteps, now.totalSteps);

  const changes = [
    ...optionsThatAre("warned").map((key) =>
      changed(`\`${key}\``, settingOf(key, saved), settingOf(key, now)),
    ),
    ...Object.keys(saved.versions).map((key) => changed(key, saved.versions[key], now.versions[key])),
  ].filter((change) => change !== undefined);
  return changes.map(
    (change) => `${change}; results may differ in the last bits from those of an uninterrupted run`,
  );
}

function optionsThatAre(rule: OnResume): string[] {
  return Object.entries(optionSpecs).flatMap(([key, { onResume = "fixed" }]) =>
    onResume === rule ? [key] : [],
  );
}

/** For device and threads, the value in use: `auto` differs between machines. */
function settingOf(key: string, { options, device, threads }: ComparedState): unknown {
  const values: Record<string, unknown> = { ...options, device, threads };
  return values[key];
}

function changed(what: string, before: unknown, now: unknown): string | undefined {
  return before === now
    ? undefined
    : `${what} was ${show(before)} when the checkpoint was written and is ${show(now)} now`;
}

function describe({ path, bytes, rows, sha256 }: NonNullable<TrainState["data"]["dev"]>): string {
  return `${path} (${rows} rows, ${bytes} bytes, ${sha256.slice(0, 8)})`;
}

function show(value: unknown): string {
  if (value === undefined) return "not given";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
