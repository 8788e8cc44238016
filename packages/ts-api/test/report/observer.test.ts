import { describe, expect, it } from "vitest";
import { observed, type TrainEvent } from "../../src/report/index.ts";
import type { RunObserver } from "../../src/report/observer.ts";

const EVENTS: TrainEvent[] = ["before the start", "later", "at the end"].map((message) => ({
  type: "warning",
  message,
}));

/** Notes what happens, in order. */
function noting(log: string[], failAt?: string): RunObserver {
  return {
    async record(event) {
      const message = event.type === "warning" ? event.message : event.type;
      if (message === failAt) throw new Error(`cannot record: ${message}`);
      log.push(`recorded ${message}`);
    },
    async close() {
      log.push("closed");
      if (failAt === "close") throw new Error("cannot close");
    },
  };
}

async function* run(log: string[]): AsyncGenerator<TrainEvent, void> {
  try {
    yield* EVENTS;
  } finally {
    log.push("run ended");
  }
}

async function drain(events: AsyncIterable<TrainEvent>): Promise<void> {
  for await (const _ of events);
}

describe("observed", () => {
  it("shows each event to all observers before its caller, and closes them after the run", async () => {
    const log: string[] = [];
    const seen: TrainEvent[] = [];
    for await (const event of observed(run(log), [noting(log), noting(log)])) {
      seen.push(event);
      log.push("passed on");
    }
    expect(seen).toEqual(EVENTS);
    expect(log).toEqual([
      ...EVENTS.flatMap((event) => {
        const recorded = `recorded ${event.type === "warning" && event.message}`;
        return [recorded, recorded, "passed on"];
      }),
      "run ended",
      "closed",
      "closed",
    ]);
  });

  it("ends the run and closes all when its caller leaves", async () => {
    const log: string[] = [];
    for await (const _ of observed(run(log), [noting(log), noting(log)])) break;
    expect(log.slice(-3)).toEqual(["run ended", "closed", "closed"]);
  });

  it("ends the run with the error of an observer, and closes all", async () => {
    const log: string[] = [];
    const events = observed(run(log), [noting(log), noting(log, "later")]);
    await expect(drain(events)).rejects.toThrow("cannot record: later");
    expect(log.slice(-3)).toEqual(["run ended", "closed", "closed"]);
  });

  it("fails where an observer cannot be closed, unless the run had failed before", async () => {
    const log: string[] = [];
    await expect(drain(observed(run(log), [noting(log, "close")]))).rejects.toThrow("cannot close");
    const failing = observed(run(log), [noting(log, "close"), noting(log, "later")]);
    await expect(drain(failing)).rejects.toThrow("cannot record: later");
  });
});
