import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyRows, writeTinyCsv, writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";

const FINETAG = fileURLToPath(new URL("../../packages/cli/bin/finetag.mjs", import.meta.url));

let folder: string;
let args: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-e2e-"));
  // Large enough that saving takes a good part of the time, so that many kills hit it.
  const model = await writeTinyModel(join(folder, "model"), { hidden_size: 128, intermediate_size: 256 });
  const train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(240, 1));
  const dev = await writeTinyCsv(join(folder, "dev.csv"), tinyRows(60, 2));
  args = [
    ...["train", "--model", model, "--train", train, "--dev", dev, "--test", dev, "--json", "--threads", "1"],
    ...["--batch-size", "8", "--gradient-accumulation", "2", "--epochs", "2", "--learning-rate", "3e-3"],
    ...["--save-every", "2", "--eval-every", "3", "--keep-checkpoints", "2", "--log-every", "1"],
  ];
});
afterAll(() => rm(folder, { recursive: true }));

interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  events: { type: string; step?: number }[];
  stderr: string;
}

/** Runs the command; `watch` sees each event as it comes. */
async function finetag(
  outputDir: string,
  more: string[] = [],
  watch: (event: Finished["events"][number], child: ChildProcess) => void = () => {},
): Promise<Finished> {
  const child = spawn(process.execPath, [FINETAG, ...args, "--output-dir", outputDir, ...more], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events: Finished["events"] = [];
  let stderr = "";
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    // The last line of a killed process may be cut off.
    if (!line.endsWith("}")) return;
    events.push(JSON.parse(line));
    watch(events.at(-1)!, child);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, events, stderr };
}

const sha256 = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

/** Hashes of all that a run leaves, without what depends on the machine's speed and memory. */
async function result(outputDir: string) {
  const last = (await readdir(join(outputDir, "checkpoints"))).sort().at(-1)!;
  const checkpoint = join(outputDir, "checkpoints", last);
  const state = JSON.parse(await readFile(join(checkpoint, "state.json"), "utf8"));
  const { trainSeconds, totalSeconds, peakRssMb, ...sums } = state.sums;
  const metrics = JSON.parse(await readFile(join(outputDir, "metrics.json"), "utf8"));
  const { samples_per_second, tokens_per_second, seconds, total_seconds, peak_rss_mb, ...train } =
    metrics.train;
  return {
    last,
    best: await sha256(join(outputDir, "model.safetensors")),
    weights: await sha256(join(checkpoint, "model.safetensors")),
    optimizer: await sha256(join(checkpoint, "optimizer.safetensors")),
    state: { ...state, sums, options: undefined },
    metrics: { ...metrics, train },
    history: await history(outputDir),
  };
}

/**
 * The lines of history.jsonl without times and the output directory's name. Resuming before the first checkpoint warns
 * that there is none, which a run that never stopped has no reason to.
 */
async function history(outputDir: string) {
  const text = await readFile(join(outputDir, "history.jsonl"), "utf8");
  expect(text.endsWith("\n")).toBe(true);
  const times = ["time", "samplesPerSecond", "tokensPerSecond", "outputDir"];
  times.push("samples_per_second", "tokens_per_second", "seconds", "total_seconds", "peak_rss_mb");
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line, (key, value) => (times.includes(key) ? undefined : value)))
    .filter(({ type }) => type !== "warning");
}

describe("training that is killed", () => {
  it("comes to the same bits, whenever it is killed with SIGKILL", { timeout: 300_000 }, async () => {
    const straight = join(folder, "straight");
    const started = performance.now();
    let begun = started;
    const whole = await finetag(straight, [], ({ type }) => {
      if (type === "start") begun = performance.now();
    });
    expect(whole).toMatchObject({ code: 0, stderr: expect.any(String) });
    const running = performance.now() - begun;

    const killed = join(folder, "killed");
    // Shares of the run's own time; the first ones come before any checkpoint.
    const shares = [0.02, 0.05, 0.1, 0.25, 0.15, 0.3, 0.2, 0.35, 0.12, 0.28];
    let kills = 0;
    const resumedAt: number[] = [];
    for (let attempt = 0; attempt < 40; attempt++) {
      const share = shares[attempt];
      const { code, signal, events, stderr } = await finetag(
        killed,
        ["--resume"],
        ({ type, step }, child) => {
          if (type !== "start") return;
          resumedAt.push(step!);
          if (share !== undefined) setTimeout(() => child.kill("SIGKILL"), share * running);
        },
      );
      if (signal === "SIGKILL") {
        kills++;
        continue;
      }
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
      expect(events.at(-1)!.type).toBe("end");
      break;
    }
    console.log(`killed ${kills} times, resumed after steps ${resumedAt.join(", ")}`);
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(resumedAt.some((step) => step > 0)).toBe(true);
    expect(await result(killed)).toEqual(await result(straight));
    expect((await history(killed)).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["start", "step", "evaluation", "checkpoint", "end"]),
    );
    const left = [...(await readdir(killed)), ...(await readdir(join(killed, "checkpoints")))];
    expect(left.filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("is as whole after Ctrl-C, which exits with 130", { timeout: 120_000 }, async () => {
    const outputDir = join(folder, "interrupted");
    const first = await finetag(outputDir, [], ({ type, step }, child) => {
      if (type === "step" && step === 7) child.kill("SIGINT");
    });
    expect(first.code).toBe(130);
    const stop = first.events.find(({ type }) => type === "stop")!;
    expect(stop).toMatchObject({ reason: "aborted" });
    const second = await finetag(outputDir, ["--resume"]);
    expect(second.code).toBe(0);
    expect(second.events.find(({ type }) => type === "start")!.step).toBe(stop.step);
    expect(await result(outputDir)).toEqual(await result(join(folder, "straight")));
  });
});
