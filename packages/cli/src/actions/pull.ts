import { catalogue, pullModel } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import { DownloadProgressLine, noticeText, plural, table } from "../output/index.ts";

const schema = z.strictObject({
  revision: z.string().min(1).optional().describe("Branch, tag or commit on the Hub (default: main)"),
  cacheDir: z
    .string()
    .min(1)
    .optional()
    .describe("Directory for the files (default: the caches of Hugging Face and finetag)"),
  offline: z.boolean().optional().describe("Use only the caches, no network (default: HF_HUB_OFFLINE)"),
});

export const action = defineAction({
  schema,
  async run({ revision, cacheDir, offline }, { words: [name] }, context) {
    const { signal, stdout, stderr, colors } = context;
    if (name === undefined) {
      const rows = catalogue.map((entry) => [entry.name, entry.hubId, entry.licence, entry.description]);
      stdout.write(`${table(["name", "Hub id", "licence", "description"], rows, colors, false)}\n`);
      return 0;
    }
    const downloads = new DownloadProgressLine(context);
    try {
      const pulled = await pullModel(name, {
        revision,
        cacheDir,
        offline,
        signal,
        onProgress: downloads.show,
      });
      downloads.stop();
      if (pulled.warning !== undefined)
        stderr.write(`${noticeText(`warning: ${context.inFlags(pulled.warning)}`)}\n`);
      stderr.write(`${plural(pulled.files.length, "file")} from ${pulled.source}\n`);
      stdout.write(`${pulled.directory}\n`);
      return 0;
    } finally {
      downloads.stop();
    }
  },
});
