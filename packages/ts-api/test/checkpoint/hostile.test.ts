import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshFolder } from "../fuzz.ts";
import { fuzz, readOrRefuse, readSample, SAMPLES } from "./hostile.ts";

let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "finetag-hostile-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("%s", (name, sample) => {
  it("is read where it is whole", async () => {
    const dir = await freshFolder(parent, name);
    const files = await readSample(sample);
    expect(await readOrRefuse(dir, files, "the whole")).toBeGreaterThan(1);
  });

  it("with random damage is read or refused, never anything else", async () => {
    const dir = await freshFolder(parent, name);
    const before = process.memoryUsage().rss;
    const counts = await fuzz(dir, sample, 1, 250);
    expect(counts.read! + counts.refused!).toBe(250);
    expect(counts.refused).toBeGreaterThan(50);
    expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
    expect(existsSync("finetag-was-here")).toBe(false);
  });
});

// The longer of the zip archives has nothing that a cut through the shorter one does not find.
const CUT = SAMPLES.filter(({ name }) => name !== "PyTorch, many storages");

it.each(CUT.map((sample) => [sample.name, sample] as const))(
  "%s cut at any byte is refused, or read where all that is asked for is there",
  async (name, sample) => {
    const dir = await freshFolder(parent, name);
    const files = await readSample(sample);
    const whole = await readOrRefuse(dir, files, "the whole");
    for (const [file, bytes] of Object.entries(files)) {
      for (let length = 0; length < bytes.byteLength; length++) {
        const cut = { ...files, [file]: bytes.subarray(0, length) };
        const result = await readOrRefuse(dir, cut, `${file} cut to ${length}`);
        // What lies behind the last weight, as Adam's state does, is nothing that a reader asks for.
        if (file.includes(".data-"))
          expect(typeof result === "string" || result === whole, `cut to ${length}`).toBe(true);
        else expect(result, `cut to ${length}`).toBeTypeOf("string");
      }
    }
  },
);
