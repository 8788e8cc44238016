import type { TrainEvent } from "./events.ts";

/** Follows a run: receives each of its events, including warnings before `start`. */
export interface RunObserver {
  /**
   * Called with every event, in order, before the caller of the run sees it. The run waits for the promise.
   * An observer that writes into the output directory waits for `start`: wrong input is refused before it, and in that
   * case nothing must be written.
   *
   * @throws FinetagError when the event cannot be written; that ends the run.
   */
  record(event: TrainEvent): Promise<void>;
  /** Called once when the run is over, whatever ended it. */
  close(): Promise<void>;
}

/** Passes on the events of a run, each after all observers have seen it. Closes the observers after the run. */
export async function* observed(
  events: AsyncGenerator<TrainEvent, void>,
  observers: readonly RunObserver[],
): AsyncGenerator<TrainEvent, void> {
  let finished = false;
  try {
    for await (const event of events) {
      for (const observer of observers) await observer.record(event);
      yield event;
    }
    finished = true;
  } finally {
    // The error that ended the run says more than a failing close.
    if (!finished) await closeAll(observers).catch(() => {});
  }
  await closeAll(observers);
}

async function closeAll(observers: readonly RunObserver[]): Promise<void> {
  const closed = await Promise.allSettled(observers.map((observer) => observer.close()));
  const failed = closed.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
