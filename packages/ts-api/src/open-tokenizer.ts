import { type ModelOptions, resolveModel } from "./hub/index.ts";
import { readModelConfig } from "./models/index.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer/index.ts";
import { directoryOf } from "./weights/index.ts";

/**
 * Opens the tokenizer of a model without its weights.
 *
 * @param model A directory, a catalogue name, or a Hub id.
 * @throws FinetagError as {@link resolveModel}; `ERR_FINETAG_MODEL` for missing or damaged tokenizer files.
 */
export async function openTokenizer(model: string, options: ModelOptions = {}): Promise<Tokenizer> {
  const directory = await directoryOf(await resolveModel(model, options));
  return loadTokenizer(directory, await readModelConfig(directory));
}
