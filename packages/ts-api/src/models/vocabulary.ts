import { FinetagError } from "../errors/index.ts";
import { CONFIG } from "../io/index.ts";
import type { ModelConfig } from "./config.ts";

/**
 * Checks that every id that the tokenizer can give has a row in the embedding table.
 *
 * @throws ERR_FINETAG_MODEL where the vocabulary of the weights is too small for the ids.
 */
export function assertVocabulary(tokenizer: { readonly maxTokenId: number }, config: ModelConfig): void {
  if (tokenizer.maxTokenId < config.native.vocabSize) return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${config.directory ?? "the model"}: the tokenizer has ids up to ${tokenizer.maxTokenId}, but ` +
      `${config.file ?? CONFIG} has vocab_size ${config.native.vocabSize}; ` +
      "use the tokenizer files that belong to these weights",
  );
}
