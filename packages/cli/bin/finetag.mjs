#!/usr/bin/env node
import { readFileSync } from "node:fs";

// Imported here, not above, so that what is in its way becomes one line.
try {
  const { main } = await import("../dist/main.js");
  await main(process.argv.slice(2));
} catch (error) {
  const debug = process.env.FINETAG_DEBUG;
  if (debug !== undefined && debug !== "" && debug !== "0") throw error;
  process.stderr.write(`finetag: ${reason(error)}\n`);
  process.exitCode = 1;
}

function reason({ code, message }) {
  // Modules are read many at a time. Node says of some that could not be opened that they are missing.
  if (code === "EMFILE" || code === "ENFILE" || fileLimit() < 128)
    return "too many files are open; raise `ulimit -n` to 256 or more";
  const said = String(message).replace(/\s*\n\s*/g, " ");
  return `cannot start: ${said}; repair the installation (\`npm run bootstrap\` in finetag's folder)`;
}

function fileLimit() {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return Number(limit);
  } catch ({ code }) {
    return code === "EMFILE" ? 0 : Number.POSITIVE_INFINITY;
  }
}
