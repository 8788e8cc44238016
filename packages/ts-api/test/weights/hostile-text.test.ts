import { describe, expect, it } from "vitest";
import { folderForAll, folder as parent } from "../folder.ts";
import { freshFolder } from "../fuzz.ts";
import { fuzz, readOrRefuse, SAMPLES } from "./hostile-text.ts";

folderForAll();

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("%s", (name, sample) => {
  it("cut at any byte is refused, or read as the whole is", async () => {
    const dir = await freshFolder(parent, name);
    await sample.prepare(dir);
    const bytes = Buffer.from(sample.contents);
    const whole = await readOrRefuse(dir, sample, bytes, "the whole");
    expect(whole).toBeGreaterThan(1);
    let refused = 0;
    for (let length = 0; length < bytes.length; length++) {
      const result = await readOrRefuse(dir, sample, bytes.subarray(0, length), `cut to ${length}`);
      if (typeof result === "string") refused++;
      else expect(result, `cut to ${length}`).toBe(whole);
    }
    expect(refused).toBeGreaterThan(50);
  });

  it("with random damage is read or refused, never anything else", async () => {
    const dir = await freshFolder(parent, name);
    const counts = await fuzz(dir, sample, 1, 250);
    expect(counts.read).toBeGreaterThan(5);
    expect(counts.refused).toBeGreaterThan(50);
  });
});
