import { convertModel, visible } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import { UsageError } from "../errors.ts";
import { listSome, plural } from "../output/index.ts";
import { TRAIN_KEYS } from "./shared.ts";

const schema = z.strictObject({
  force: z
    .boolean()
    .default(false)
    .describe("Write into a directory that is not empty; a model in it is replaced"),
});

export const action = defineAction({
  schema,
  alsoNames: TRAIN_KEYS,
  async run({ force }, { words: [source, destination] }, { stdout, stderr, signal }) {
    if (source === undefined || destination === undefined) {
      throw new UsageError(
        `${source === undefined ? "SRC and DST are" : "DST is"} missing: finetag convert SRC DST`,
      );
    }
    const { format, architecture, tensors, left, directory } = await convertModel(source, destination, {
      force,
      signal,
    });
    stderr.write(`${architecture}: ${plural(tensors, "tensor")} from ${format}\n`);
    if (left.length > 0) stderr.write(`left out: ${visible(listSome(left))}\n`);
    stdout.write(`${directory}\n`);
    return 0;
  },
});
