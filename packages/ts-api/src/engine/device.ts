import type { NativeInfo, Precision } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";

/**
 * The device to use, spelled as the engine knows it: `cpu` or `cuda:n`.
 *
 * @throws FinetagError `ERR_FINETAG_DEVICE` when it is not there or lacks what `precision` asks for.
 */
export function chooseDevice(asked: string, info: NativeInfo, precision: Precision): string {
  const device = precision === "int8" && asked === "auto" ? "cpu" : locate(asked, info);
  if (precision === "int8" && device !== "cpu") {
    throw new FinetagError(
      "ERR_FINETAG_DEVICE",
      `precision int8 is for the CPU, not for device ${device}; use device cpu, or precision float32`,
    );
  }
  if (precision === "bf16" && !info.bf16Devices.includes(device)) {
    const able = info.bf16Devices.length > 0 ? `use device ${info.bf16Devices.join(" or ")}, or` : "use";
    throw new FinetagError(
      "ERR_FINETAG_DEVICE",
      `device ${device} has no bf16 instructions; ${able} precision float32`,
    );
  }
  return device;
}

function locate(asked: string, info: NativeInfo): string {
  const found = info.cudaDevices.length;
  if (asked === "cpu" || asked === "meta") return asked;
  if (asked === "auto") return found > 0 ? "cuda:0" : "cpu";
  const match = /^cuda(?::(\d+))?$/.exec(asked);
  if (match === null) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `device "${asked}" is unknown; use auto, cpu, cuda or cuda:N`,
    );
  }
  const index = Number(match[1] ?? 0);
  if (index < found) return `cuda:${index}`;
  throw new FinetagError("ERR_FINETAG_DEVICE", `device ${asked} is not there: ${why(found, info)}`);
}

function why(found: number, info: NativeInfo): string {
  if (found > 0) return `this machine has cuda:0 to cuda:${found - 1}; use one of them`;
  if (info.variant === "cpu") {
    return `libtorch ${info.libtorch} is the CPU variant; install the CUDA one (\`npx finetag setup --variant cuda\`) or use device cpu`;
  }
  return `libtorch ${info.libtorch} (${info.variant}) finds no GPU; check the driver with nvidia-smi or use device cpu`;
}
