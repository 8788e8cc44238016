import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshFolder, peakBytes } from "../../packages/ts-api/test/fuzz.ts";

const rounds = Number(process.env.FINETAG_STRESS ?? 0);
const seed = Number(process.env.FINETAG_STRESS_SEED ?? 2);

type Fuzz<S> = (dir: string, sample: S, seed: number, rounds: number) => Promise<Record<string, number>>;

/**
 * A test for each sample: FINETAG_STRESS rounds of damage, none of which does anything but be read or refused.
 *
 * @param warmRounds After so many, code and buffers are warm, and memory is looked at.
 */
export function stress<S extends { name: string }>(
  samples: readonly S[],
  fuzz: Fuzz<S>,
  warmRounds: number,
): void {
  for (const sample of samples) {
    test(sample.name, { timeout: 3_600_000 }, async ({ skip }) => {
      skip(!(rounds > 0), "FINETAG_STRESS says no number of rounds");
      const parent = await mkdtemp(join(tmpdir(), "finetag-stress-"));
      try {
        const dir = await freshFolder(parent, sample.name);
        await fuzz(dir, sample, seed, Math.min(rounds, warmRounds));
        const before = peakBytes();
        const counts = await fuzz(dir, sample, seed, rounds);
        const grown = peakBytes() - before;
        console.log(
          `${sample.name}: ${JSON.stringify(counts)}, ${(grown / 1e6).toFixed(0)} MB more memory at its peak`,
        );
        expect(grown).toBeLessThan(256e6);
      } finally {
        await rm(parent, { recursive: true, force: true });
      }
    });
  }
}
