import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { trainConfigSchema } from "../../src/schema.ts";

test("finetag.schema.json is that of the options (pnpm --filter finetag schema)", async () => {
  const committed = JSON.parse(await readFile(new URL("../../finetag.schema.json", import.meta.url), "utf8"));
  expect(committed).toEqual(trainConfigSchema());
});
