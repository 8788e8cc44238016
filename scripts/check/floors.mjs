import { join } from "node:path";
import { importsOf, targetOf } from "./imports.mjs";
import { INCLUDE_FOLDER, includesOf } from "./includes.mjs";
import { isCpp, packageSources, writtenFiles } from "./tree.mjs";

/**
 * The rooms of a house (its folders, and its files that stand alone, by their name without ending), floor by floor from the
 * ground. A room may use those on lower floors only, types included; rooms on one floor do not know each other.
 *
 * `lazy` names pairs of rooms of which the lower one loads the upper one by import() when it is asked to.
 */
const HOUSES = [
  {
    folder: "packages/ts-api/src",
    floors: [
      ["version"],
      ["errors"],
      ["io", "options"],
      ["data", "metrics", "weights"],
      ["models"],
      ["tokenizer", "report"],
      ["engine", "hub"],
      ["training"],
      ["classifier"],
      ["convert", "doctor", "inspect", "open-tokenizer"],
      ["index"],
    ],
  },
  {
    folder: "packages/ts-api/src/data/formats",
    floors: [
      ["table"],
      ["container", "dialect"],
      ["encoding", "files", "object-table", "text"],
      ["binary", "json"],
      ["format"],
      ["open", "read-text"],
      ["shards"],
      ["index"],
    ],
  },
  {
    folder: "packages/ts-api/src/training",
    floors: [["data"], ["storage"], ["pipeline"], ["index"]],
  },
  {
    folder: "packages/cli/src",
    floors: [
      ["errors", "hangup", "parent"],
      ["arguments", "interruption"],
      ["context"],
      ["commands", "output", "predictions"],
      ["actions"],
      ["main", "schema"],
    ],
    lazy: [["commands", "actions"]],
  },
  {
    folder: "packages/core-native/lib",
    floors: [["cores", "types"], ["spins"], ["load"], ["index"]],
  },
  {
    folder: "packages/core-native/src/engine",
    floors: [["core"], ["kernels"], ["device", "ops"], ["nn"], ["loss", "optim"], ["session"], ["train"]],
  },
  {
    folder: "packages/core-native/src/engine/kernels",
    floors: [
      ["kernels"],
      ["functions", "simd"],
      ["norm", "product"],
      ["activation", "adamw", "attention", "loss", "select", "sums", "table"],
    ],
  },
  {
    folder: "packages/core-native/src/engine/ops",
    floors: [
      ["fused", "pack", "weights"],
      ["product", "random"],
      ["composite", "gradient"],
      ["embedding", "linear", "pool", "sublayer"],
    ],
  },
];

/** Uses of a room on the same floor or a higher one, and rooms that have no floor, as `file: what`. */
export function floorBreaches(root, houses = HOUSES) {
  return houses.flatMap((house) => houseBreaches(root, house));
}

function houseBreaches(root, { folder, floors, lazy = [] }) {
  const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor])));
  const breaches = new Set();
  for (const { file, target, ...use } of uses(root, folder)) {
    const [room, other] = [roomOf(folder, file), roomOf(folder, target)];
    const homeless = [room, other].find((name) => !floorOf.has(name));
    if (homeless !== undefined) {
      breaches.add(`${folder}/${homeless}: has no floor; give it one in scripts/check/floors.mjs`);
      continue;
    }
    const plugged = use.lazy && lazy.some(([lower, upper]) => lower === room && upper === other);
    if (room === other || floorOf.get(other) < floorOf.get(room) || plugged) continue;
    const where = floorOf.get(other) === floorOf.get(room) ? "on the same floor" : "on a higher floor";
    breaches.add(`${file}: uses ${target}, but ${other} is ${where}`);
  }
  return [...breaches];
}

function roomOf(folder, file) {
  return file
    .slice(folder.length + 1)
    .split("/")[0]
    .replace(/\.\w+$/, "");
}

/** Each import or #include between two files below the folder. */
function uses(root, folder) {
  const inside = (file) => file?.startsWith(`${folder}/`);
  const scripts = packageSources(root)
    .filter(inside)
    .flatMap((file) =>
      importsOf(root, file).map(({ name, lazy }) => ({ file, target: targetOf(file, name), lazy })),
    );
  const cpp = writtenFiles(root)
    .filter((file) => inside(file) && isCpp(file))
    .flatMap((file) =>
      includesOf(root, file).map(({ name }) => ({ file, target: join(INCLUDE_FOLDER, name), lazy: false })),
    );
  return [...scripts, ...cpp].filter(({ target }) => inside(target));
}
