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

/** The most memory that this process ever had: what a round takes and gives back counts as well. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

export interface FuzzRun {
  seed: number;
  rounds: number;
  /** Done once in a round, and twice in a quarter of them. */
  damage: (files: Files, random: Random) => Files;
  /** Makes checksums fit: done where one has stopped the reader, which then goes on to the damage itself. */
  seal?: ((files: Files) => Files) | undefined;
  /** The error's message where the files are refused; a failure names `what`. */
  readOrRefuse: (files: Files, what: string) => Promise<number | string>;
}

export type Outcomes = {
  read: number;
  refused: number;
  /** Of those that are refused, the ones that a checksum stops; each is then sealed and read once more. */
  stopped: number;
  /** Of those, the ones that are then refused for something else. */
  beyond: number;
};

/** Rounds of damage to the files of a sample, with seed and round in the name of each. */
export async function countOutcomes(
  name: string,
  files: Files,
  { seed, rounds, damage, seal, readOrRefuse }: FuzzRun,
): Promise<Outcomes> {
  const counts = { read: 0, refused: 0, stopped: 0, beyond: 0 };
  const isStopped = (result: number | string) =>
    typeof result === "string" && result.includes("the checksum of");
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed, round);
    let damaged = damage(files, random);
    if (random.below(4) === 0) damaged = damage(damaged, random);
    const what = `${name}, seed ${seed}, round ${round}`;
    const result = await readOrRefuse(damaged, what);
    counts[typeof result === "number" ? "read" : "refused"]++;
    if (seal === undefined || !isStopped(result)) continue;
    counts.stopped++;
    const sealed = await readOrRefuse(seal(damaged), `${what}, sealed`);
    if (typeof sealed === "string" && !isStopped(sealed)) counts.beyond++;
  }
  return counts;
}
