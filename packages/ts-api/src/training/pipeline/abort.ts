import { isAborted } from "../../errors/index.ts";
import type { TrainEvent } from "../../report/index.ts";

/**
 * Turns the abort of a run into its last event instead of an error. The loop does this itself, since it has a checkpoint
 * to write; this function covers everything before its first step and after its last one.
 */
export async function* endAtAbort(
  events: AsyncGenerator<TrainEvent, void>,
): AsyncGenerator<TrainEvent, void> {
  let step: number | undefined;
  let outputDir: string | undefined;
  try {
    for await (const event of events) {
      if (event.type === "start" || event.type === "step") step = event.step;
      if (event.type === "start") ({ outputDir } = event);
      yield event;
    }
  } catch (error) {
    if (!isAborted(error)) throw error;
    // Without a directory there is nothing to resume.
    const stopped = outputDir === undefined ? "stopped" : "stopped; continue with `resume: true`";
    const message = step === undefined ? "stopped before training" : stopped;
    yield { type: "stop", reason: "aborted", step: step ?? 0, message };
  }
}
