import type { TrainEvent } from "../events.ts";

/** Names shown of a longer list; TensorBoard always shows a text in full. */
const NAMES = 100;

/** The start of a run for TensorBoard's TEXT tab, by tag, in Markdown. */
export function startTexts(
  { options, labels, ...start }: Extract<TrainEvent, { type: "start" }>,
  warnings: readonly string[],
): Record<string, string> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    "run/model": table([
      ["model", start.model],
      ["weights", `${start.loadedTensors} tensors (${start.weights})`],
      ["new weights", names(start.freshParameters)],
      ["unused tensors", names(start.unusedTensors)],
      ["device", `${start.device}, ${start.threads} threads`],
      [
        "rows",
        `${start.trainRows} train (${start.trainTokens} tokens), ${start.devRows} dev, ${start.testRows} test`,
      ],
      ["steps", `${start.totalSteps} (${start.stepsPerEpoch} per epoch)`],
    ]),
    "run/options": table(given.map(([name, value]) => [name, shown(value)])),
    "run/labels": names(labels),
    ...(warnings.length === 0 ? {} : { "run/warnings": warnings.map((text) => `- ${text}`).join("\n") }),
  };
}

function names(list: readonly string[]): string {
  const text = list.slice(0, NAMES).map(code).join(", ");
  return list.length > NAMES ? `${text} and ${list.length - NAMES} more` : text;
}

function shown(value: unknown): string {
  return Array.isArray(value) ? names(value.map(String)) : code(String(value));
}

/** Backticks in a value would end the code. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}

function table(rows: [name: string, text: string][]): string {
  const lines = rows
    .filter(([, text]) => text !== "")
    .map(
      (cells) =>
        `| ${cells.map((cell) => cell.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")).join(" | ")} |`,
    );
  return ["| | |", "|---|---|", ...lines].join("\n");
}
