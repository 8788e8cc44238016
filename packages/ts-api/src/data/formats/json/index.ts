/** Rows in JSON: one object a line, in an array, or below a key of an object. */
export { readJsonl } from "./jsonl.ts";
export { jsonLayout } from "./layout.ts";
export { readJson } from "./rows.ts";
