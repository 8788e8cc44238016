import { type TrainEvent, trainOptionsSchema, trainRun } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Context } from "../context.ts";
import { BarReporter, DownloadProgressLine, JsonReporter, LineReporter } from "../output/index.ts";

const schema = trainOptionsSchema.extend({
  config: z.string().optional().meta({
    description: "YAML or JSON file with any of these options; the command line overrides it",
    heading: "Run",
  }),
  json: z
    .boolean()
    .default(false)
    .meta({ description: "Write each event to stdout as one line of JSON", heading: "Run" }),
});

/** The event with its message rewritten for the command line. */
function inFlags(event: TrainEvent, context: Context): TrainEvent {
  return "message" in event ? { ...event, message: context.inFlags(event.message) } : event;
}

const LEAVING = "finishing this step and writing a checkpoint; press Ctrl-C again to quit at once";

export const action = defineAction({
  schema,
  async run({ json, logEvery }, { given }, context) {
    // Without defaults: the run needs to know whether --max-length was given.
    const { config: _config, json: _json, ...options } = given;
    const { interruption, signal, stdout } = context;
    const reporter = json
      ? new JsonReporter(context)
      : stdout.isTTY === true
        ? new BarReporter(context)
        : new LineReporter(context, logEvery);
    interruption.onFirst((cause) => {
      if (cause !== "pipe") reporter.notice(LEAVING);
    });
    const downloads = new DownloadProgressLine(context);
    let ended = false;
    try {
      for await (const event of trainRun(options, { signal, onDownload: downloads.show })) {
        downloads.stop();
        reporter.show(inFlags(event, context));
        if (event.type === "end") ended = true;
      }
    } catch (error) {
      if (interruption.cause !== "pipe") throw error;
    } finally {
      downloads.stop();
      reporter.close();
    }
    return signal.aborted && !ended ? interruption.exitCode : 0;
  },
});
