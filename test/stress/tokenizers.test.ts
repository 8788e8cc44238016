/**
 * Damaged tokenizer files, a long run of what packages/ts-api/test/tokenizer/hostile.test.ts does shortly.
 *
 *     FINETAG_STRESS=10000 npx vitest run test/stress/tokenizers
 *
 * A failure names the seed and the round, which make the same files again. Where the Rust core ends the process, they still
 * lie in the folder of the round, `finetag-stress-*` among the temporary files.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshFolder, fuzz, SAMPLES } from "../../packages/ts-api/test/tokenizer/hostile.ts";

const rounds = Number(process.env.FINETAG_STRESS ?? 0);
const seed = Number(process.env.FINETAG_STRESS_SEED ?? 2);

for (const sample of SAMPLES) {
  test(sample.name, { timeout: 3_600_000 }, async ({ skip }) => {
    skip(!(rounds > 0), "FINETAG_STRESS says no number of rounds");
    const parent = await mkdtemp(join(tmpdir(), "finetag-stress-"));
    try {
      const dir = await freshFolder(parent, sample);
      await fuzz(dir, sample, seed, Math.min(rounds, 100)); // code and buffers are warm after it
      const before = process.memoryUsage().rss;
      const counts = await fuzz(dir, sample, seed, rounds);
      const grown = process.memoryUsage().rss - before;
      console.log(`${sample.name}: ${JSON.stringify(counts)}, ${(grown / 1e6).toFixed(0)} MB more memory`);
      expect(grown).toBeLessThan(256e6);
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
}
