import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { addonPath } from "../../lib/index.ts";
import { addon, ready, refused } from "./sessions.ts";
import { batch, config, session as options } from "./tiny.ts";

describe("addon", () => {
  it("tells what it is built on", () => {
    const info = addon.info();
    expect(info.libtorch).toMatch(/^\d+\.\d+\.\d+$/);
    expect(["cpu", "cuda"]).toContain(info.variant);
    expect(info.threads).toBeGreaterThan(0);
  });

  const cpuinfo = process.platform === "linux" ? readFileSync("/proc/cpuinfo", "utf8") : "";
  const flags = new Set(/^flags\s*: (.*)$/m.exec(cpuinfo)?.[1]?.split(" "));

  const cache = readFileSync(join(dirname(addonPath()), "..", "CMakeCache.txt"), "utf8");
  const isPortable = /^FINETAG_PORTABLE:BOOL=ON$/m.test(cache);
  /** What a portable build takes: like libtorch, it heeds this variable. */
  const atMost = (best: string) => {
    const most = process.env.ATEN_CPU_CAPABILITY ?? "avx512";
    if (most === "default") return "baseline";
    return most === "avx512" || best === "baseline" ? best : "avx2";
  };

  it.runIf(flags.size > 0)(
    "tells the instruction set of its kernels, which is the best of this machine",
    () => {
      const has = (...names: string[]) => names.every((name) => flags.has(name));
      const best = has("avx512f", "avx512bw", "avx512dq", "avx512vl")
        ? "avx512"
        : has("avx2", "fma")
          ? "avx2"
          : "baseline";
      expect(addon.info().kernels).toBe(isPortable ? atMost(best) : best);
    },
  );

  it.runIf(process.platform === "linux")("brings one OpenMP runtime, libtorch's", async () => {
    const session = await ready({ threads: 2 });
    await session.forward(batch(8));
    const libraries = readFileSync("/proc/self/maps", "utf8").match(/\/.*\.(?:so|node)\b.*$/gm) ?? [];
    const runtimes = new Set(libraries.filter((path) => /^lib[gi]?omp/.test(basename(path))));
    expect([...runtimes].map(dirname)).toEqual([
      dirname(libraries.find((path) => /libtorch_cpu/.test(path))!),
    ]);
  });

  it("refuses bad options by name", async () => {
    const tries: [object, string][] = [
      [{ threads: 0 }, "threads must be between 1 and 4096"],
      [{ threads: 1.5 }, "threads must be a whole number"],
      [{ seed: -1 }, "seed must be an unsigned 32-bit integer"],
      [{ precision: "fp8" }, 'unknown precision "fp8"'],
      [{ config: { ...config, hiddenSize: 33 } }, "hiddenSize must be a multiple of numAttentionHeads"],
      [{ config: { ...config, numLabels: 0 } }, "numLabels must be positive"],
      [{ config: { ...config, vocabSize: "60" } }, "vocabSize must be a number"],
      [{ config: { ...config, hiddenDropoutProb: 1 } }, "hiddenDropoutProb must be at least 0 and below 1"],
      [{ config: undefined }, "config must be an object"],
      [{ loss: "bce_with_logits" }, "loss must be an object"],
      [{ loss: {} }, "loss.type must be a string"],
      [{ loss: { type: "bce_with_logits", gamma: 2 } }, 'the loss bce_with_logits has no parameter "gamma"'],
      [
        { loss: { type: "bce_with_logits", gamma: "2" } },
        "loss.gamma must be a number, or an array of numbers: one for each label",
      ],
      [{ loss: { type: "bce_with_logits", gamma: Number.NaN } }, "loss.gamma must be finite"],
      [{ loss: { type: "bce_with_logits", gamma: [1, Number.NaN] } }, "loss.gamma must be finite"],
      [{ loss: { type: "bce_with_logits", gamma: [1, "2"] } }, "loss.gamma must be a number"],
      [
        { loss: { type: "bce_with_logits", gamma: new Int32Array(3) } },
        "loss.gamma must be a number, or an array of numbers: one for each label",
      ],
      [
        { loss: { type: "bce_with_logits", gamma: [1, 2, 3] } },
        'the loss bce_with_logits has no parameter "gamma"',
      ],
      [
        { loss: { type: "bce_with_logits", gamma: new Float32Array(3) } },
        'the loss bce_with_logits has no parameter "gamma"',
      ],
      [
        { loss: { type: "bce_with_logits", gamma: new Float32Array([Number.NaN]) } },
        "loss.gamma must be finite",
      ],
    ];
    for (const [more, message] of tries) {
      expect(await refused(addon.createSession(options(more)))).toBe(`ERR_FINETAG_ARGUMENT: ${message}`);
    }
  });

  it("refuses a loss that it does not know, and says which it knows", async () => {
    const loss = { type: "bce" as "bce_with_logits" };
    expect(await refused(addon.createSession(options({ loss })))).toMatch(
      /^ERR_FINETAG_ARGUMENT: loss\.type must be one of (.+, )?bce_with_logits(, .+)?, not "bce"$/,
    );
  });

  it("tells that memory was refused, so that others can say what helps", async () => {
    const huge = options({ config: { ...config, vocabSize: 2 ** 40 } });
    expect(await refused(addon.createSession(huge))).toMatch(
      /^ERR_FINETAG_OUT_OF_MEMORY: out of memory: the system refused \d{14,} bytes$/,
    );
  });

  it("says what is wrong where there is no such device", async () => {
    expect(await refused(addon.createSession(options({ device: "tpu" })))).toMatch(
      /^ERR_FINETAG_DEVICE: unknown/,
    );
    if (addon.info().cudaDevices.length > 0) return;
    expect(await refused(addon.createSession(options({ device: "cuda" })))).toMatch(
      /^ERR_FINETAG_DEVICE: device "cuda" requested, but (?!.*;).*$/,
    );
  });
});
