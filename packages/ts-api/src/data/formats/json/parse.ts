import { oneLine } from "../../../errors/index.ts";

/** Strings, which stay as they are, or what Python writes for numbers that JSON does not have. */
const STRING_OR_NAN = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * `JSON.parse`, but NaN and Infinity, which Python writes, are null.
 * @throws An `Error` that says what is wrong.
 */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (/\b(?:NaN|Infinity)\b/.test(json)) {
      try {
        return JSON.parse(json.replace(STRING_OR_NAN, (found) => (found.startsWith('"') ? found : "null")));
      } catch {}
    }
    throw new Error(`invalid JSON: ${oneLine((error as Error).message)}`);
  }
}
