import { type PushPlan, type PushProgress, planPush, pushModel } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { formatBytes, ProgressLine, plural, table } from "../output/index.ts";

const schema = z.strictObject({
  private: z.boolean().default(false).describe("Make the repository private"),
  revision: z
    .string()
    .min(1)
    .optional()
    .describe("Branch to push to; it is created if needed (default: main)"),
  commitMessage: z
    .string()
    .min(1)
    .optional()
    .describe("Commit message (default: Upload a model with finetag)"),
  license: z.string().min(1).optional().describe("License on the model card, such as apache-2.0"),
  dryRun: z
    .boolean()
    .default(false)
    .describe("Show the files and the model card; upload nothing, contact no server"),
});

export const action = defineAction({
  schema,
  async run(options, { words: [directory, repo, more] }, context) {
    if (directory === undefined || repo === undefined || more !== undefined)
      throw new UsageError("push takes a directory and a repository: finetag push DIR OWNER/NAME");
    const { stdout, stderr, colors, signal } = context;
    const { dryRun, ...given } = options;
    if (dryRun) {
      const plan = await planPush(directory, repo, { ...given, signal });
      stdout.write(`${table(["file", "size"], planRows(plan), colors, false)}\n`);
      if (plan.leftOut.length > 0) stderr.write(`left out: ${plan.leftOut.join(", ")}\n`);
      if (plan.card !== undefined) stdout.write(`\n${plan.card}`);
      return 0;
    }
    const progress = new UploadProgressLine(context);
    try {
      const pushed = await pushModel(directory, repo, { ...given, signal, onProgress: progress.show });
      progress.stop();
      stderr.write(`${plural(pushed.files.length, "file")}, commit ${pushed.commit}\n`);
      if (pushed.removed.length > 0) stderr.write(`removed: ${pushed.removed.join(", ")}\n`);
      stdout.write(`${pushed.url}\n`);
      return 0;
    } finally {
      progress.stop();
    }
  },
});

function planRows({ files }: PushPlan): string[][] {
  return files.map(({ path, bytes }) => [path, formatBytes(bytes)]);
}

/** Shows uploads on stderr: a bar on a terminal, otherwise one line per file. */
class UploadProgressLine {
  readonly #stderr: NodeJS.WriteStream;
  readonly #line: ProgressLine | undefined;
  readonly #seen = new Set<string>();

  constructor({ stderr }: Context) {
    this.#stderr = stderr;
    this.#line = stderr.isTTY === true ? new ProgressLine(stderr) : undefined;
  }

  /** Bound, so that it can be passed as a callback. */
  readonly show = ({ file, state, fraction }: PushProgress): void => {
    if (this.#line !== undefined) this.#line.show(`${state} ${file}`, Math.round(fraction * 100), 100);
    else if (state === "uploading" && !this.#seen.has(file)) this.#stderr.write(`uploading ${file}\n`);
    if (state === "uploading") this.#seen.add(file);
  };

  /** May be called again. */
  stop(): void {
    this.#line?.stop();
  }
}
