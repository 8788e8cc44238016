import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT, readJson, workspaceFolders } from "../lib/paths.mjs";
import { listFiles } from "../lib/stamp.mjs";

const IMPORT =
  /(?:^|\n)\s*(?:import|export)[^'";]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm;

/** What a package of the workspace may import of the others: dependencies point one way. */
const MAY_IMPORT = {
  "packages/core-native": [],
  "packages/ts-api": ["@finetag/core-native"],
  "packages/cli": ["@finetag/api"],
};
const WORKSPACE = ["@finetag/core-native", "@finetag/api", "finetag"];

/** Every breach of the layers, as `file: what`. */
export function layerBreaches(root = ROOT) {
  return [...importBreaches(root), ...includeBreaches(root)];
}

function importBreaches(root) {
  const breaches = [];
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    const sources = listFiles(root, [`${folder}/src`, `${folder}/lib`]).filter((file) =>
      file.endsWith(".ts"),
    );
    for (const file of sources) {
      for (const [, fromImport, fromCall] of readFileSync(join(root, file), "utf8").matchAll(IMPORT)) {
        const name = fromImport ?? fromCall;
        const outside =
          name.startsWith(".") &&
          relative(join(root, folder), join(root, dirname(file), name)).startsWith("..");
        const upward =
          WORKSPACE.some((other) => name === other || name.startsWith(`${other}/`)) &&
          !allowed.includes(name);
        if (outside) breaches.push(`${file}: imports ${name}, a file of another package`);
        if (upward)
          breaches.push(
            `${file}: imports ${name}; ${folder} may import ${allowed.join(", ") || "none of the workspace"}`,
          );
      }
    }
  }
  return breaches;
}

/** The engine knows nothing of Node. */
function includeBreaches(root) {
  const breaches = [];
  for (const file of listFiles(root, ["packages/core-native/src/engine", "packages/core-native/test/cpp"])) {
    if (!/\.(h|hpp|cpp)$/.test(file)) continue;
    for (const [, name] of readFileSync(join(root, file), "utf8").matchAll(INCLUDE)) {
      if (/(^|\/)(napi|node_api|js_native_api|node|v8|uv)\.h$/.test(name) || /(^|\/)binding\//.test(name)) {
        breaches.push(`${file}: includes ${name}; the engine builds and tests without Node`);
      }
    }
  }
  return breaches;
}

/** Dependencies that are not pinned to one version, as `file: what`. */
export function unpinnedDependencies(root = ROOT) {
  return ["", ...workspaceFolders(root)].flatMap((folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson(folder, "package.json");
    return Object.entries({ ...dependencies, ...devDependencies })
      .filter(([, version]) => version !== "workspace:*" && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(
        ([name, version]) =>
          `${join(folder, "package.json")}: ${name} "${version}" is not pinned to one version`,
      );
  });
}
