import type { TensorKind } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import { type FinetagJson, saveModelDirectory } from "../models/index.ts";
import { countElements, type TensorSource } from "../weights/index.ts";
import { yieldToEventLoop } from "./event-loop.ts";
import type { OpenModel } from "./model.ts";
import type { ModelSession } from "./session.ts";

/**
 * Writes what Hugging Face's `from_pretrained` reads, plus finetag.json; an older model is replaced as a whole.
 *
 * @param tensors the session's own weights if absent
 * @throws FinetagError `ERR_FINETAG_IO`, or `ERR_FINETAG_DIVERGED` if a weight is NaN or infinite.
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
    tokenizerFiles: model.source.tokenizer.files,
    finetag,
  });
}

/**
 * The weights of a session, to be written one after another.
 * Reading one with NaN or infinite values is an error, so such weights are never saved.
 */
export function weightTensors({
  session,
  parameters,
}: Pick<OpenModel, "session" | "parameters">): TensorSource[] {
  const buffer = newPart();
  return parameters.map(({ name, shape }) => ({
    name,
    shape,
    async *read() {
      for await (const { data, finite } of sessionParts(session, "weight", name, shape, buffer)) {
        if (!finite) {
          throw new FinetagError(
            "ERR_FINETAG_DIVERGED",
            `"${name}" has NaN or infinite values, so the model is not saved; use a lower \`learningRate\``,
            { option: "learningRate" },
          );
        }
        yield data;
      }
    },
  }));
}

/** The moments of a session's optimizer, in the same way; their values are not checked. */
export function momentTensors({
  session,
  parameters,
}: Pick<OpenModel, "session" | "parameters">): TensorSource[] {
  const buffer = newPart();
  return MOMENTS.flatMap((kind) =>
    parameters.map(({ name, shape }) => ({
      name: `${kind}.${name}`,
      shape,
      async *read() {
        for await (const { data } of sessionParts(session, kind, name, shape, buffer)) yield data;
      },
    })),
  );
}

export const MOMENTS = ["exp_avg", "exp_avg_sq"] as const;

/** 2 MB: complete copies of large tensors would take more memory than the rest of training. */
const newPart = () => new Float32Array(512 * 1024);

/** @param buffer All parts are read into it, one after another. */
async function* sessionParts(
  session: ModelSession,
  kind: TensorKind,
  name: string,
  shape: readonly number[],
  buffer: Float32Array,
): AsyncGenerator<{ data: Float32Array; finite: boolean }, void> {
  const count = countElements(shape);
  for (let begin = 0; begin < count; begin += buffer.length) {
    const data = buffer.subarray(0, count - begin);
    const finite = await session.readPart(kind, name, begin, data);
    yield { data, finite };
  }
}

/** Elements checked per turn of the event loop: a millisecond or two. */
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
