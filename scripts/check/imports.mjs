import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";

const require = createRequire(import.meta.url);

/**
 * Imports and re-exports of a file: their names as written (undefined for a computed one), and whether they wait until
 * they are asked for. An import() that is a type does not wait: it is an import like any other.
 */
export function importsOf(root, file) {
  const { parseSync, Visitor } = require("oxc-parser"); // loaded late: `npm run check` installs it on its first run
  const { program, errors } = parseSync(file, readFileSync(join(root, file), "utf8"));
  if (errors.length > 0) throw new Error(`${file}: cannot be parsed: ${errors[0].message}`);
  const imports = [];
  const add = (source, lazy) => source && imports.push({ name: textOf(source), lazy });
  const addStatic = ({ source }) => add(source, false);
  new Visitor({
    ImportDeclaration: addStatic,
    ExportNamedDeclaration: addStatic,
    ExportAllDeclaration: addStatic,
    TSImportType: addStatic,
    TSExternalModuleReference: ({ expression }) => add(expression, false),
    ImportExpression: ({ source }) => add(source, true),
  }).visit(program);
  return imports;
}

function textOf({ type, value, quasis, expressions }) {
  if (type === "TemplateLiteral" && expressions.length === 0) return quasis[0].value.cooked;
  return type === "Literal" && typeof value === "string" ? value : undefined;
}

/** The file that an import names, relative to root; undefined for a package. */
export function targetOf(file, name) {
  return name?.startsWith(".") ? posix.join(dirname(file), name) : undefined;
}
