import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the names in an #include start. */
export const INCLUDE_FOLDER = "packages/core-native/src";

const STRING_OR_COMMENT = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/.*|\/\*[\s\S]*?\*\//g;
const INCLUDE = /^[ \t]*#[ \t]*include\b[ \t]*(.*?)[ \t]*$/gm;

/** What a C++ file includes: each name, and whether it is in quotes. A macro has its own name, in quotes or not. */
export function includesOf(root, file) {
  const text = readFileSync(join(root, file), "utf8").replace(STRING_OR_COMMENT, (found) =>
    found.startsWith("/") ? " " : found,
  );
  return Array.from(text.matchAll(INCLUDE), ([, operand]) => ({
    name: operand.replace(/^[<"]|[>"]$/g, ""),
    quoted: !operand.startsWith("<"),
  }));
}
