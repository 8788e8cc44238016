import { expect, test } from "vitest";
import { type DataSpec, Random } from "../../src/data/index.ts";
import type { OpenDataOptions } from "../../src/data/types.ts";
import { FinetagError } from "../../src/errors/index.ts";
import { read, temporaryDirectory } from "./helpers.ts";

const dir = temporaryDirectory();

const VOCABULARIES = [
  ["joy", "love", "sad", "hurt", "fear"],
  ["Computer Science", "Physics", "Maths", "Quantitative Finance"],
  ["喜", "爱", "怒"],
  ["3", "7", "12", "40"],
  ["it's", 'a "b"', "c\\d", "[e]", "f(g)"],
  ["non-fiction", "C++", "R&D", "a_b"],
];

/** Rows of labels: the indices that apply, and perhaps unknown ones or shares. */
interface Rows {
  names: string[];
  sets: number[][];
}

interface Written {
  /** A cell, or fields of the row by their names. */
  cell?: (set: number[], names: string[]) => unknown;
  fields?: (set: number[], names: string[]) => Record<string, unknown>;
  separator?: string;
  /** Whether the labels have to be given in their order. */
  named?: boolean;
}

const flags = (set: number[], names: string[]) => names.map((_, i) => Number(set.includes(i)));
const byName = (set: number[], names: string[], yes: unknown, no: unknown) =>
  Object.fromEntries(names.map((name, i) => [name, set.includes(i) ? yes : no]));
const python = (text: string) =>
  text.includes("'")
    ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
    : `'${text.replaceAll("\\", "\\\\")}'`;
const listed = (set: number[], names: string[]) => set.map((i) => names[i]!);

const SHAPES: Record<string, Written> = {
  "0/1 columns": { fields: (set, names) => byName(set, names, 1, 0) },
  "1.0/0.0 columns": { fields: (set, names) => byName(set, names, "1.0", "0.0") },
  "True/False columns": { fields: (set, names) => byName(set, names, "True", "False") },
  "true/false columns": { fields: (set, names) => byName(set, names, true, false) },
  "yes/no columns": { fields: (set, names) => byName(set, names, "yes", "no") },
  "Y/N columns": { fields: (set, names) => byName(set, names, "Y", "N") },
  "x/blank columns": { fields: (set, names) => byName(set, names, "x", "") },
  "only what applies": { fields: (set, names) => Object.fromEntries(set.map((i) => [names[i]!, true])) },
  ...Object.fromEntries(
    [",", ";", "|", "/", "#", "、", "，", " ", "\n", ", ", " | "].map((separator) => [
      `separated by ${JSON.stringify(separator)}`,
      { cell: (set: number[], names: string[]) => listed(set, names).join(separator), separator },
    ]),
  ),
  "a list": { cell: (set, names) => listed(set, names) },
  "a JSON list": { cell: (set, names) => JSON.stringify(listed(set, names)) },
  "a Python list": { cell: (set, names) => `[${listed(set, names).map(python).join(", ")}]` },
  "a tuple": {
    cell: (set, names) =>
      `(${listed(set, names)
        .map((name) => `${python(name)},`)
        .join(" ")})`,
  },
  "a set": {
    cell: (set, names) => (set.length === 0 ? "set()" : `{${listed(set, names).map(python).join(", ")}}`),
  },
  "a numpy array": { cell: (set, names) => `[${listed(set, names).map(python).join(" ")}]` },
  "an array": { cell: (set, names) => `array([${listed(set, names).map(python).join(", ")}], dtype=object)` },
  choices: { cell: (set, names) => JSON.stringify({ choices: listed(set, names) }) },
  "flags (…)": { cell: (set, names) => `(${flags(set, names).join(", ")})`, named: true },
  "flags […]": { cell: (set, names) => JSON.stringify(flags(set, names)), named: true },
  "flags in a list": { cell: flags, named: true },
  "flags of numpy": { cell: (set, names) => `[${flags(set, names).join(" ")}]`, named: true },
  "flags and blanks": { cell: (set, names) => flags(set, names).join(" "), named: true },
  "float flags": {
    cell: (set, names) =>
      `[${flags(set, names)
        .map((one) => `${one}.0`)
        .join(", ")}]`,
    named: true,
  },
  "True flags": {
    cell: (set, names) =>
      `[${flags(set, names)
        .map((one) => (one ? "True" : "False"))
        .join(", ")}]`,
    named: true,
  },
  "an object": { cell: (set, names) => byName(set, names, 1, 0) },
  "an object of what applies": {
    cell: (set, names) =>
      byName(
        set,
        set.map((i) => names[i]!),
        1,
        1,
      ) && Object.fromEntries(set.map((i) => [names[i]!, true])),
  },
  "a dict": {
    cell: (set, names) =>
      `{${names.map((name, i) => `${python(name)}: ${set.includes(i) ? "True" : "False"}`).join(", ")}}`,
  },
};

/** @param separator that no name has in it; with one that names often have, only many rows show what a name is */
function draw(random: Random, separator = ""): Rows {
  const vocabulary = VOCABULARIES[random.below(VOCABULARIES.length)]!;
  const mark = separator.trim() || separator;
  const names = mark === "" ? vocabulary : vocabulary.filter((name) => !name.includes(mark));
  if (names.length < 2) return draw(random, separator);
  const count = ([" ", "/", "#"].includes(separator) ? 40 : 1) + random.below(60);
  const dense = random.below(3);
  const sets = Array.from({ length: count }, () =>
    names.flatMap((_, i) => (random.below(4) <= dense ? [i] : [])),
  );
  return { names, sets };
}

const quote = (value: unknown) => {
  const text =
    typeof value === "string"
      ? value
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

function write(format: string, { names, sets }: Rows, { cell, fields }: Written): string {
  const rows = sets.map((set, i) => ({
    text: `text ${i} with words`,
    ...(fields === undefined ? { labels: cell!(set, names) } : fields(set, names)),
  }));
  if (format === "jsonl") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const columns = ["text", ...(fields === undefined ? ["labels"] : names)];
  const lines = rows.map((row: Record<string, unknown>) =>
    columns.map((column) => quote(row[column])).join(","),
  );
  return `${[columns.map(quote).join(","), ...lines].join("\n")}\n`;
}

interface Outcome {
  /** Undefined for a refusal. */
  labels?: string[][];
  refusal?: string;
}

async function readBack(
  path: string,
  spec: Partial<DataSpec>,
  options: Partial<OpenDataOptions>,
): Promise<Outcome> {
  try {
    const { file, rows } = await read({ path, ...spec }, options);
    return { labels: rows.map(({ labels }) => labels.map((label) => file.labels[label]!).sort()) };
  } catch (error) {
    if (!(error instanceof FinetagError) || /[\r\n]/.test(error.message)) throw error;
    return { refusal: error.message };
  }
}

/** What a message tells the user to do, as options; the first of several. */
function remedyOf(message: string): Partial<DataSpec> | undefined {
  const found = [
    ...message.matchAll(/`(labelSeparator|labelValues|missing|labelColumns|labelsColumn): ([^`]+)`/g),
  ];
  return found.length === 0 ? undefined : { [found[0]![1]!]: JSON.parse(found[0]![2]!) };
}

test.each(Object.entries(SHAPES))(
  "random labels, written as %s, are read back or refused in one line",
  async (name, shape) => {
    let right = 0;
    const refusals: string[] = [];
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed, 1);
      const drawn = draw(random, shape.separator);
      for (const format of ["csv", "jsonl"]) {
        const path = await dir.write(`p.${format}`, write(format, drawn, shape));
        for (const given of shape.named ? [drawn.names] : [undefined, drawn.names]) {
          const outcome = await readBack(path, {}, { labels: given });
          if (outcome.labels === undefined) {
            refusals.push(outcome.refusal!);
            const remedy = remedyOf(outcome.refusal!);
            // A question offers readings; taking one of them must lead somewhere.
            if (remedy !== undefined && given === undefined) {
              const again = await readBack(path, remedy, { labels: given });
              expect(again.refusal ?? "", `${name}, seed ${seed}: ${outcome.refusal}`).not.toContain(
                "say which",
              );
            }
            continue;
          }
          const expected = drawn.sets.map((set) => listed(set, drawn.names).sort());
          expect(outcome.labels, `${name}, seed ${seed}, ${format}`).toEqual(expected);
          right++;
        }
      }
    }
    expect(right, refusals.slice(0, 5).join("\n")).toBeGreaterThan(2 * refusals.length);
  },
);

test.each(["csv", "jsonl"])("unknown and graded labels in columns of a %s", async (format) => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random(seed, 2);
    const { names, sets } = draw(random);
    const cells = sets.map(() => names.map(() => [0, 1, -1, 0.25, 0.75][random.below(5)]!));
    const fields = (i: number) => Object.fromEntries(names.map((name, j) => [name, cells[i]![j]]));
    let i = 0;
    const path = await dir.write(
      `u.${format}`,
      write(format, { names, sets }, { fields: () => fields(i++) }),
    );
    const spec = { path, labelColumns: names, missing: "mask" as const };
    const { rows } = await read({ ...spec, softLabels: true });
    const expected = cells
      .map((row) => ({
        labels: row.flatMap((cell, j) => (cell > 0 ? [j] : [])),
        targets: row.filter((cell) => cell > 0),
        unknown: row.flatMap((cell, j) => (cell === -1 ? [j] : [])),
      }))
      .filter(({ unknown }) => unknown.length < names.length);
    const found = rows.map(({ labels, targets, unknown }) => ({
      labels,
      targets: targets ?? labels.map(() => 1),
      unknown: unknown ?? [],
    }));
    expect(found, `seed ${seed}`).toEqual(expected);
  }
});
