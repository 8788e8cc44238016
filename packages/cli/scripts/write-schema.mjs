// Writes finetag.schema.json, the JSON Schema of `finetag train --config`, from the options' zod schema.
// Run it after a build: pnpm --filter finetag schema
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { trainConfigSchema } from "../dist/schema.js";

const path = fileURLToPath(new URL("../finetag.schema.json", import.meta.url));
writeFileSync(path, `${JSON.stringify(trainConfigSchema(), null, 2)}\n`);
execFileSync("npx", ["--no-install", "biome", "format", "--write", path], { stdio: "inherit" });
