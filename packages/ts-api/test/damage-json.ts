import type { Random } from "../src/data/index.ts";
import { damage, type Files } from "./damage.ts";

/** Values at which readers of JSON stumble. */
const EDGES: readonly unknown[] = [
  null,
  true,
  false,
  "",
  "a",
  "\u0000",
  "x".repeat(100_000),
  "__proto__",
  0,
  -1,
  1,
  0.5,
  255,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e308,
  [],
  {},
  [null],
  [[]],
  [["a"]],
];

/**
 * One of the JSON files with some value in the place of another; without one, as {@link damage}.
 *
 * @param values That such a file may have, in addition to those that no such file has.
 */
export function damageJson(files: Files, random: Random, values: readonly unknown[] = []): Files {
  const names = Object.keys(files).filter((name) => name.endsWith(".json"));
  if (names.length === 0) return damage(files, random);
  const name = names[random.below(names.length)]!;
  try {
    const root = { "": JSON.parse(Buffer.from(files[name]!).toString()) };
    change(root, random, [...EDGES, ...values]);
    return { ...files, [name]: Buffer.from(JSON.stringify(root[""]) ?? "") };
  } catch {
    return damage(files, random);
  }
}

type Node = Record<string, unknown>;

function change(root: Node, random: Random, values: readonly unknown[]): void {
  const places: { node: Node; key: string }[] = [];
  // A vocabulary is all but all of a tokenizer: the further down, the fewer of its many values are looked at.
  const collect = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    const keys = Object.keys(value);
    const step = Math.max(1, Math.floor(keys.length / 20));
    for (let i = keys.length > 20 ? random.below(step) : 0; i < keys.length; i += step) {
      places.push({ node: value as Node, key: keys[i]! });
      collect((value as Node)[keys[i]!]);
    }
  };
  collect(root);
  const place = () => places[random.below(places.length)]!;
  const { node, key } = place();
  const other = place();
  switch (random.below(7)) {
    case 0:
      delete node[key];
      return;
    case 1: // an older or newer key
      node[`${key}_`] = node[key];
      delete node[key];
      return;
    case 2: // a value from elsewhere
    case 3:
      node[key] = structuredClone(other.node[other.key]);
      return;
    case 4: // there twice
      if (Array.isArray(node)) node.push(node[Number(key)]);
      else node[other.key] = node[key];
      return;
    default:
      node[key] = structuredClone(values[random.below(values.length)]);
  }
}
