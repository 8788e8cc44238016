import { expect, it } from "vitest";
import { throwIfAborted } from "../../../src/errors/index.ts";
import type { TrainEvent } from "../../../src/report/index.ts";
import { endAtAbort } from "../../../src/training/pipeline/index.ts";

/** A run that is stopped after these events. */
async function* stopped(events: object[]): AsyncGenerator<TrainEvent, void> {
  for (const event of events) yield event as TrainEvent;
  throwIfAborted(AbortSignal.abort());
}

it.each([
  ["before its start", [], 0, "stopped before training"],
  [
    "in a directory",
    [
      { type: "start", step: 0, outputDir: "out" },
      { type: "step", step: 7 },
    ],
    7,
    "stopped; continue with `resume: true`",
  ],
  [
    "in memory, where there is nothing to resume",
    [
      { type: "start", step: 0 },
      { type: "step", step: 7 },
    ],
    7,
    "stopped",
  ],
])("a run that is aborted %s ends with stop", async (_, events, step, message) => {
  const seen: TrainEvent[] = [];
  for await (const event of endAtAbort(stopped(events))) seen.push(event);
  expect(seen.at(-1)).toEqual({ type: "stop", reason: "aborted", step, message });
});
