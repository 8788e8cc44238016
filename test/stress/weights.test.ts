/**
 * Damaged weight files and the texts next to them, a long run of what hostile.test.ts and hostile-text.test.ts of
 * packages/ts-api/test/weights do shortly.
 *
 *     FINETAG_STRESS=100000 npx vitest run test/stress
 *
 * A failure names the seed and the round, which make the same file again.
 */
import { fuzz, SAMPLES } from "../../packages/ts-api/test/weights/hostile.ts";
import { fuzz as fuzzText, SAMPLES as TEXTS } from "../../packages/ts-api/test/weights/hostile-text.ts";
import { stress } from "./stress.ts";

stress(SAMPLES, fuzz, 1000);
stress(TEXTS, fuzzText, 1000);
