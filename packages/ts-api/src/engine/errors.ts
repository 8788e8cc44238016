import type { NativeErrorCode } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";

const ADVICE: Record<NativeErrorCode, { code: FinetagError["code"]; remedy: string }> = {
  ERR_FINETAG_ARGUMENT: { code: "ERR_FINETAG_ARGUMENT", remedy: "" },
  ERR_FINETAG_DEVICE: {
    code: "ERR_FINETAG_DEVICE",
    remedy: "use `device: cpu` or `precision: float32`, or run `finetag doctor` to see what this machine has",
  },
  ERR_FINETAG_DISPOSED: { code: "ERR_FINETAG_DISPOSED", remedy: "open the model again" },
  ERR_FINETAG_OUT_OF_MEMORY: {
    code: "ERR_FINETAG_OUT_OF_MEMORY",
    remedy:
      "use a smaller `maxLength` or `batchSize` (in training, with as much more `gradientAccumulation`)",
  },
  ERR_FINETAG_NATIVE: {
    code: "ERR_FINETAG_NATIVE",
    remedy: "run `finetag doctor`; if it finds nothing, report this line as a bug",
  },
};

/** True for an error that carries one of the engine's codes. */
function isNativeCode(code: unknown): code is NativeErrorCode {
  return typeof code === "string" && Object.hasOwn(ADVICE, code);
}

/**
 * The one place where an error of the engine becomes a {@link FinetagError}: what was being done, the first line of the
 * engine's message, what to do next. Other errors are returned unchanged.
 */
export function mapNativeError(error: unknown, doing: string): unknown {
  if (error instanceof FinetagError || !(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  if (!isNativeCode(code)) return error;
  const advice = ADVICE[code];
  const said = error.message.split("\n", 1)[0]!.trim();
  const message = advice.remedy === "" ? `${doing}: ${said}` : `${doing}: ${said}; ${advice.remedy}`;
  return new FinetagError(advice.code, message, { cause: error });
}
