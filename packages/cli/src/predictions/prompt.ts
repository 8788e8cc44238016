import { createInterface } from "node:readline/promises";
import type { Classifier, Prediction, PredictOptions } from "@finetag/api";
import type { Context } from "../context.ts";

/** Number of labels to show if none is above its threshold. */
const RUNNERS_UP = 3;

/**
 * Asks for texts and shows their labels, until an empty line, `exit` or Ctrl-D.
 * @returns the exit code: 130 after Ctrl-C.
 */
export async function runPrompt(
  classifier: Classifier,
  options: PredictOptions,
  context: Context,
): Promise<number> {
  const { stdin, stdout, colors, interruption } = context;
  stdout.write("Type a text to see its labels; an empty line, exit or Ctrl-D quits.\n");
  const readline = createInterface({ input: stdin, output: stdout, prompt: colors.bold("text> ") });
  let interrupted = false;
  readline.on("SIGINT", () => {
    interrupted = true;
    readline.close();
  });
  interruption.onFirst(() => {
    interrupted = true;
    readline.close();
  });
  try {
    readline.prompt();
    for await (const line of readline) {
      const text = line.trim();
      if (text === "" || text === "exit") break;
      const [prediction] = await classifier.predict([text], options);
      stdout.write(`${describe(prediction!, context)}\n`);
      readline.prompt();
    }
  } finally {
    readline.close();
  }
  if (interrupted) stdout.write("\n");
  return interrupted ? (interruption.cause === undefined ? 130 : interruption.exitCode) : 0;
}

/** Labels with their probabilities, most likely first. */
export function describe({ labels, probabilities }: Prediction, { colors }: Pick<Context, "colors">): string {
  const given = new Set(labels);
  const ranked = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  const shown = given.size > 0 ? ranked.filter(([name]) => given.has(name)) : ranked.slice(0, RUNNERS_UP);
  const lines = shown.map(([name, probability]) => {
    const line = `  ${probability.toFixed(4)}  ${name}`;
    return given.has(name) ? colors.green(line) : colors.dim(line);
  });
  return given.size > 0 ? lines.join("\n") : ["  no label; the most likely are", ...lines].join("\n");
}
