/**
 * Damaged tokenizer files, a long run of what packages/ts-api/test/tokenizer/hostile.test.ts does shortly.
 *
 *     FINETAG_STRESS=10000 npx vitest run test/stress/tokenizers
 *
 * A failure names the seed and the round, which make the same files again. Where the Rust core ends the process, they still
 * lie in the folder of the round, `finetag-stress-*` among the temporary files.
 */
import { fuzz, SAMPLES } from "../../packages/ts-api/test/tokenizer/hostile.ts";
import { stress } from "./stress.ts";

stress(SAMPLES, fuzz, 100);
