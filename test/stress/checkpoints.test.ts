/**
 * Damaged weight files, a long run of what packages/ts-api/test/checkpoint/hostile.test.ts does shortly.
 *
 *     FINETAG_STRESS=100000 npx vitest run test/stress
 *
 * A failure names the seed and the round, which make the same file again.
 */
import { fuzz, SAMPLES } from "../../packages/ts-api/test/checkpoint/hostile.ts";
import { stress } from "./stress.ts";

stress(SAMPLES, fuzz, 1000);
