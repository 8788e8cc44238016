import type { NativeInfo, Precision } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";

/**
 * The device to use, spelled as the engine knows it: `cpu` or `cuda:n`.
 *
 * @throws FinetagError `ERR_FINETAG_DEVICE` if the machine does not have it, or it does not support `precision`.
 */
export function chooseDevice(asked: string, info: NativeInfo, precision: Precision): string {
  const device = precision === "int8" && asked === "auto" ? "cpu" : locate(asked, info);
  if (precision === "int8" && device !== "cpu") {
    throw new FinetagError(
      "ERR_FINETAG_DEVICE",
      `\`precision: int8\` runs on the CPU only, not on ${device}; use \`device: cpu\`, or \`precision: float32\``,
      { option: "precision" },
    );
  }
  if (precision === "bf16" && !info.bf16Devices.includes(device)) {
    const others = info.bf16Devices.map((each) => `\`device: ${each}\``);
    const remedy = [...others, "`precision: float32`"].join(" or ");
    throw new FinetagError("ERR_FINETAG_DEVICE", `device ${device} has no bf16 instructions; set ${remedy}`, {
      option: "precision",
    });
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
      `unknown device "${asked}"; use auto, cpu, cuda or cuda:N`,
      { option: "device" },
    );
  }
  const index = Number(match[1] ?? 0);
  if (index < found) return `cuda:${index}`;
  throw new FinetagError("ERR_FINETAG_DEVICE", `there is no device ${asked}: ${why(found, info)}`, {
    option: "device",
  });
}

function why(found: number, info: NativeInfo): string {
  if (found === 1) return "this machine has cuda:0 only; use that";
  if (found > 1) return `this machine has cuda:0 to cuda:${found - 1}; use one of them`;
  if (info.variant === "cpu") {
    return `libtorch ${info.libtorch} is the CPU variant; install the CUDA one (\`npx finetag setup --variant cuda\`), or use \`device: cpu\``;
  }
  return `libtorch ${info.libtorch} (${info.variant}) finds no GPU; check the driver with nvidia-smi, or use \`device: cpu\``;
}
