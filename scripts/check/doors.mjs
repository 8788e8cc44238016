import { dirname, relative } from "node:path";
import { importsOf, targetOf } from "./imports.mjs";
import { packageSources } from "./tree.mjs";

/**
 * Imports that go into a folder by another file than its index.ts, as `file: what`. What lies above a file, on its way
 * to the root, is open to it; a lazy import names the file that it wants, so that no more is loaded.
 */
export function doorBreaches(root) {
  return packageSources(root).flatMap((file) =>
    importsOf(root, file).flatMap(({ name, lazy }) => {
      const target = targetOf(file, name);
      if (target === undefined || lazy) return [];
      const entered = relative(dirname(file), target)
        .split("/")
        .filter((part) => part !== "..");
      if (entered.length === 1 || (entered.length === 2 && entered[1] === "index.ts")) return [];
      return [`${file}: imports ${name}; go through the index.ts of ${entered[0]}/`];
    }),
  );
}
