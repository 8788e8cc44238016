import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../src/data/index.ts";
import type { Files } from "./damage.ts";

/** A folder for one directory after the other: writing into the same one is quicker. */
export async function freshFolder(parent: string, name: string): Promise<string> {
  const dir = join(parent, name.replaceAll(/\W+/g, "-"));
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  return dir;
}

export interface FuzzRun {
  seed: number;
  rounds: number;
  /** Done once in a round, and twice in a quarter of them. */
  damage: (files: Files, random: Random) => Files;
  /** The error's message where the files are refused; a failure names `what`. */
  readOrRefuse: (files: Files, what: string) => Promise<number | string>;
}

/** Rounds of damage to the files of a sample, with seed and round in the name of each. */
export async function countOutcomes(
  name: string,
  files: Files,
  { seed, rounds, damage, readOrRefuse }: FuzzRun,
): Promise<Record<string, number>> {
  const counts = { read: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed, round);
    let damaged = damage(files, random);
    if (random.below(4) === 0) damaged = damage(damaged, random);
    const result = await readOrRefuse(damaged, `${name}, seed ${seed}, round ${round}`);
    counts[typeof result === "number" ? "read" : "refused"]++;
  }
  return counts;
}
