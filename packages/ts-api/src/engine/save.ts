import type { TensorSource } from "../checkpoint/index.ts";
import { FinetagError } from "../errors/index.ts";
import { type FinetagJson, saveModelDirectory } from "../models/index.ts";
import { yieldToEventLoop } from "./abort.ts";
import type { OpenModel } from "./model.ts";

/**
 * Writes what Hugging Face's `from_pretrained` reads, plus finetag.json; an older model is replaced as a whole.
 *
 * @param tensors the session's own weights if absent
 * @throws FinetagError `ERR_FINETAG_IO`, or `ERR_FINETAG_DIVERGED` when a weight is NaN or infinite.
 */
export function saveModel(
  directory: string,
  model: OpenModel,
  finetag: FinetagJson,
  tensors: TensorSource[] = weightTensors(model),
): Promise<void> {
  return saveModelDirectory(directory, {
    config: model.source.config,
    labels: model.labels,
    tensors,
    tokenizerFiles: model.source.encoder.files,
    finetag,
  });
}

/**
 * The weights of a session, to be written one at a time.
 * Reading one that holds NaN or an infinity is an error: such weights are never saved.
 */
export function weightTensors({
  session,
  parameters,
}: Pick<OpenModel, "session" | "parameters">): TensorSource[] {
  return parameters.map(({ name, shape }) => ({
    name,
    shape,
    read: async () => {
      const data = await session.readTensor("weight", name);
      if (await allFinite(data)) return data;
      throw new FinetagError(
        "ERR_FINETAG_DIVERGED",
        `${name} holds NaN or infinite values, so the model is not saved; lower the learning rate`,
      );
    },
  }));
}

/** Elements looked at in one turn of the event loop: a millisecond or two. */
const ELEMENTS_PER_TURN = 1 << 20;

/** Whether none of these is NaN or infinite. */
export async function allFinite(data: Float32Array): Promise<boolean> {
  for (let start = 0; start < data.length; start += ELEMENTS_PER_TURN) {
    const end = Math.min(start + ELEMENTS_PER_TURN, data.length);
    let sum = 0; // stays 0 unless an element is NaN or infinite
    for (let i = start; i < end; i++) sum += data[i]! * 0;
    if (sum !== 0) return false;
    if (end < data.length) await yieldToEventLoop();
  }
  return true;
}
