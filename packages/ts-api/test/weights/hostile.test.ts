import { describe, expect, it } from "vitest";
import { folderForAll, folder as parent } from "../folder.ts";
import { freshFolder, peakBytes } from "../fuzz.ts";
import { fuzz, readOrRefuse, readSample, SAMPLES } from "./hostile.ts";

folderForAll();

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("%s", (name, sample) => {
  it("is read where it is whole, unless it asks for a call", async () => {
    const dir = await freshFolder(parent, name);
    const files = await readSample(sample);
    const result = await readOrRefuse(dir, files, "the whole");
    if (sample.calls === undefined) expect(result).toBeGreaterThan(1);
    else expect(result).toContain(`asks Python for "${sample.calls}", which finetag refuses`);
    if (sample.seal !== undefined) expect(sample.seal(files)).toEqual(files);
  });

  it("with random damage is read or refused, never anything else", async () => {
    const dir = await freshFolder(parent, name);
    const before = peakBytes();
    const counts = await fuzz(dir, sample, 1, 250);
    expect(counts.read + counts.refused).toBe(250);
    expect(counts.refused).toBeGreaterThan(50);
    if (sample.seal !== undefined) expect(counts.beyond).toBeGreaterThan(0);
    expect(peakBytes() - before).toBeLessThan(256e6);
  });
});

// The other zip archives have nothing that a cut through the shortest one does not find.
const CUT = SAMPLES.filter(({ name, calls }) => name !== "PyTorch, many storages" && calls === undefined);

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
