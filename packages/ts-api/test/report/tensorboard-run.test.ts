import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { trainRun } from "../../src/training/index.ts";
import { setUpRuns } from "../training/runs.ts";
import { tinyRows, writeTinyCsv } from "../training/tiny.ts";
import { type ReadEvent, readEvents } from "./reader.ts";

const tiny = setUpRuns("tensorboard");
const { run } = tiny;

/** The events of the n-th file that the runs of this test wrote. */
async function written(n = 0): Promise<ReadEvent[]> {
  const folder = join(tiny.out, "runs");
  // Names begin with seconds; a process numbers those of one second.
  const number = (name: string) => Number(name.split(".").at(-1));
  const names = (await readdir(folder)).sort((a, b) => number(a) - number(b));
  return readEvents(await readFile(join(folder, names[n]!)));
}

const tagsOf = (events: ReadEvent[]) => events.flatMap(({ values }) => values ?? []).map(({ tag }) => tag);

describe("the TensorBoard events of a run", () => {
  it("begin with model, options, labels and early warnings as texts; scalars follow", async () => {
    const rows = [{ text: " ", labels: [] }, ...tinyRows(40, 1)];
    const train = await writeTinyCsv(join(tiny.folder, "odd.csv"), rows);
    await run({ train, maxSteps: 12, logEvery: 5, tensorboard: true });
    const events = await written();
    expect(events.slice(1, 5).map(({ step, values }) => [step, values![0]!.tag, values![0]!.plugin])).toEqual(
      [
        [0, "run/model", "text"],
        [0, "run/options", "text"],
        [0, "run/labels", "text"],
        [0, "run/warnings", "text"],
      ],
    );
    const text = (tag: string) =>
      events.flatMap(({ values }) => values ?? []).find((value) => value.tag === tag)!.text;
    expect(text("run/options")).toContain("| learningRate | `0.005` |");
    expect(text("run/labels")).toBe("`joy`, `anger`, `fear`");
    expect(text("run/warnings")).toBe(`- ${train}: 1 of 41 texts are empty; the rows are kept`);
    const losses = events.filter(({ values }) => values?.some(({ tag }) => tag === "train/loss"));
    expect(losses.map(({ step }) => step)).toEqual([1, 5, 10, 12]);
    expect(tagsOf(events)).toEqual(expect.arrayContaining(["dev/micro_f1", "test/micro_f1"]));
  });

  it("are not waited for before the first step", async () => {
    const options = { ...tiny.base, outputDir: tiny.out, maxSteps: 2, tensorboard: true };
    for await (const event of trainRun(options)) {
      if (event.type === "start") await expect(readdir(join(tiny.out, "runs"))).rejects.toThrow("ENOENT");
      if (event.type === "step") expect(await readdir(join(tiny.out, "runs"))).toHaveLength(1);
    }
  });

  it("say of a resumed run where it goes on, and of a stopped one that it stopped", async () => {
    const options = { maxSteps: 6, saveEvery: 2, tensorboard: true } as const;
    await tiny.abort(options, (event) => event.type === "step" && event.step === 3);
    await run({ ...options, resume: true });
    expect(tagsOf(await written(0)).at(-1)).toBe("run/stop");
    const second = await written(1);
    expect(second[1]).toMatchObject({ step: 4, sessionStatus: 1 });
    expect(second[2]).toMatchObject({ step: 3, values: [{ tag: "run/model" }] });
  });

  it("end the run with one clear error where they cannot be written", async () => {
    await mkdir(tiny.out);
    await writeFile(join(tiny.out, "runs"), "a file");
    await expect(run({ maxSteps: 2, tensorboard: true })).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringMatching(/EEXIST.*; or turn TensorBoard events off \(`tensorboard: false`\)$/),
    });
  });
});

/** Files below a folder that this process holds open, but for the lock of the folder. */
async function openFiles(folder: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((path) => path.startsWith(folder) && !path.endsWith("/.finetag-lock"));
}

it.skipIf(process.platform !== "linux")("closes history and events whatever ends a run", async () => {
  const options = { ...tiny.base, outputDir: tiny.out, maxSteps: 4, tensorboard: true, overwrite: true };
  for await (const event of trainRun(options)) {
    if (event.type !== "step" || event.step < 2) continue;
    expect(await openFiles(tiny.out)).toHaveLength(2);
    break;
  }
  expect(await openFiles(tiny.out)).toEqual([]);
  await run(options);
  expect(await openFiles(tiny.out)).toEqual([]);
  const diverging = { ...options, learningRate: 1e38, maxGradNorm: 0, warmupRatio: 0, dev: undefined };
  await expect(run(diverging)).rejects.toMatchObject({ code: "ERR_FINETAG_DIVERGED" });
  expect(await openFiles(tiny.out)).toEqual([]);
});
