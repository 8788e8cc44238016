#!/usr/bin/env node
// Draws docs/images/demo.svg from docs/images/demo.txt, which holds real output: node scripts/docs/draw.mjs

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMain } from "../lib/main.mjs";
import { ROOT } from "../lib/paths.mjs";
import { terminalSvg } from "./terminal-svg.mjs";

const TITLE =
  "A terminal: finetag fine-tunes MiniLM on GoEmotions and reports test metrics, overall and per label";

/** The picture of the README, from the text that is there now. */
export async function drawDemo() {
  return terminalSvg(await readFile(join(ROOT, "docs", "images", "demo.txt"), "utf8"), TITLE);
}

if (isMain(import.meta.url)) {
  await writeFile(join(ROOT, "docs", "images", "demo.svg"), await drawDemo());
}
