import type { NativeInfo } from "@finetag/core-native";
import { describe, expect, it } from "vitest";
import { chooseDevice } from "../../src/engine/device.ts";
import { mapNativeError } from "../../src/engine/errors.ts";
import { FinetagError } from "../../src/errors/index.ts";

const cpuOnly: NativeInfo = {
  libtorch: "2.13.0",
  variant: "cpu",
  cudaDevices: [],
  cpuCapability: "AVX2",
  kernels: "avx2",
  bf16Devices: [],
  threads: 2,
  parallelBackend: "OpenMP",
};
const twoGpus: NativeInfo = {
  ...cpuOnly,
  variant: "cu130",
  cudaDevices: ["A", "B"],
  bf16Devices: ["cuda:0", "cuda:1"],
};

describe("chooseDevice", () => {
  it("takes a GPU for auto where there is one", () => {
    expect(chooseDevice("auto", cpuOnly, "float32")).toBe("cpu");
    expect(chooseDevice("auto", twoGpus, "float32")).toBe("cuda:0");
    expect(chooseDevice("cuda", twoGpus, "bf16")).toBe("cuda:0");
    expect(chooseDevice("cuda:1", twoGpus, "float32")).toBe("cuda:1");
    expect(chooseDevice("cpu", twoGpus, "float32")).toBe("cpu");
  });

  it("says why a device is not there", () => {
    expect(() => chooseDevice("cuda", cpuOnly, "float32")).toThrow("libtorch 2.13.0 is the CPU variant");
    expect(() => chooseDevice("cuda:2", twoGpus, "float32")).toThrow("this machine has cuda:0 to cuda:1");
    const noDriver = { ...twoGpus, cudaDevices: [] };
    expect(() => chooseDevice("cuda", noDriver, "float32")).toThrow("finds no GPU");
    expect(() => chooseDevice("tpu", cpuOnly, "float32")).toThrow("use auto, cpu, cuda or cuda:N");
  });

  it("refuses bf16 where the device lacks it", () => {
    expect(() => chooseDevice("cpu", cpuOnly, "bf16")).toThrow(
      "device cpu has no bf16 instructions; set `precision: float32`",
    );
    expect(() => chooseDevice("cpu", twoGpus, "bf16")).toThrow(
      "set `device: cuda:0` or `device: cuda:1` or `precision: float32`",
    );
  });
});

describe("int8", () => {
  it("is for the CPU, which auto then takes", () => {
    expect(chooseDevice("auto", twoGpus, "int8")).toBe("cpu");
    expect(chooseDevice("cpu", cpuOnly, "int8")).toBe("cpu");
    expect(() => chooseDevice("cuda", twoGpus, "int8")).toThrow(
      "`precision: int8` runs on the CPU only, not on cuda:0; use `device: cpu`, or `precision: float32`",
    );
  });
});

describe("mapNativeError", () => {
  it("says what was done, what the engine said, and what to do", () => {
    const native = Object.assign(new Error("can't allocate 12 GiB\nat …"), {
      code: "ERR_FINETAG_OUT_OF_MEMORY",
    });
    const mapped = mapNativeError(native, "training step failed");
    expect(mapped).toBeInstanceOf(FinetagError);
    expect(mapped).toMatchObject({
      code: "ERR_FINETAG_OUT_OF_MEMORY",
      message:
        "training step failed: can't allocate 12 GiB; use a smaller `maxLength` or `batchSize` (in training, with as much more `gradientAccumulation`)",
      cause: native,
    });
  });

  it("leaves other errors alone", () => {
    const own = new FinetagError("ERR_FINETAG_DATA", "x");
    expect(mapNativeError(own, "y")).toBe(own);
    const bug = new TypeError("x");
    expect(mapNativeError(bug, "y")).toBe(bug);
  });
});
