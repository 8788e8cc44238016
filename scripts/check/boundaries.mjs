import { readFileSync } from "node:fs";
import { join } from "node:path";
import { workspaceFolders } from "../lib/paths.mjs";
import { importsOf, targetOf } from "./imports.mjs";
import { INCLUDE_FOLDER, includesOf } from "./includes.mjs";
import { isCpp, packageSources, writtenFiles } from "./tree.mjs";

/** What a package of the workspace may import of the others: dependencies point one way. */
const MAY_IMPORT = {
  "packages/core-native": [],
  "packages/ts-api": ["@finetag/core-native"],
  "packages/cli": ["@finetag/api", "@finetag/api/suggest"],
};
const WORKSPACE = ["@finetag/core-native", "@finetag/api", "finetag"];

/** Every breach of the layers, as `file: what`. */
export function layerBreaches(root) {
  return [...importBreaches(root), ...nodeBreaches(root), ...relativeIncludes(root)];
}

function importBreaches(root) {
  const breaches = [];
  for (const file of packageSources(root)) {
    const folder = file.split("/", 2).join("/");
    const allowed = MAY_IMPORT[folder] ?? [];
    for (const { name } of importsOf(root, file)) {
      if (name === undefined) {
        breaches.push(`${file}: computes the name of an import; write it as one string`);
        continue;
      }
      const target = targetOf(file, name);
      const upward =
        WORKSPACE.some((other) => name === other || name.startsWith(`${other}/`)) && !allowed.includes(name);
      if (target !== undefined && !target.startsWith(`${folder}/`))
        breaches.push(`${file}: imports ${name}, a file of another package`);
      if (upward)
        breaches.push(
          `${file}: imports ${name}; ${folder} may import ${allowed.join(", ") || "none of the workspace"}`,
        );
    }
  }
  return breaches;
}

/** The engine knows nothing of Node. */
function nodeBreaches(root) {
  return writtenFiles(root)
    .filter((file) => isCpp(file) && /^packages\/core-native\/(src\/engine|test\/cpp)\//.test(file))
    .flatMap((file) =>
      includesOf(root, file)
        .filter(
          ({ name }) =>
            /(^|\/)(napi|node_api|js_native_api|node|v8|uv)\.h$/.test(name) || /(^|\/)binding\//.test(name),
        )
        .map(({ name }) => `${file}: includes ${name}; the engine builds and tests without Node`),
    );
}

/** Includes that do not say where in the sources a file is. */
function relativeIncludes(root) {
  const isNamed = ({ name, quoted }) =>
    !/(^|\/)\.\.?\//.test(name) && (!quoted || /^(engine|binding)\//.test(name));
  return writtenFiles(root)
    .filter((file) => isCpp(file) && file.startsWith(`${INCLUDE_FOLDER}/`))
    .flatMap((file) =>
      includesOf(root, file)
        .filter((include) => !isNamed(include))
        .map(
          ({ name }) => `${file}: includes ${name}; write the path from ${INCLUDE_FOLDER}/, as "engine/…"`,
        ),
    );
}

/** Dependencies that are not pinned to one version, as `file: what`. */
export function unpinnedDependencies(root) {
  return ["", ...workspaceFolders(root)].flatMap((folder) => {
    const file = join(folder, "package.json");
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(root, file), "utf8"));
    return Object.entries({ ...dependencies, ...devDependencies })
      .filter(([, version]) => version !== "workspace:*" && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${file}: ${name} "${version}" is not pinned to one version`);
  });
}
