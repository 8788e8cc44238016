import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyManifest, writeManifest } from "../../src/training/storage/manifest.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-manifest-"));
  await writeFile(join(folder, "a.bin"), Buffer.alloc(3_000_000, 7));
  await writeFile(join(folder, "b.json"), "{}");
});
afterEach(() => rm(folder, { recursive: true }));

describe("manifest", () => {
  it("finds a whole folder whole", async () => {
    await writeManifest(folder);
    expect(await verifyManifest(folder)).toBeUndefined();
  });

  it("says what is damaged", async () => {
    expect(await verifyManifest(folder)).toBe("its manifest.json is missing or damaged");
    await writeManifest(folder);
    await truncate(join(folder, "a.bin"), 2_999_999);
    expect(await verifyManifest(folder)).toBe("a.bin has 2999999 bytes instead of 3000000");
    await writeFile(join(folder, "a.bin"), Buffer.alloc(3_000_000, 8));
    expect(await verifyManifest(folder)).toBe("a.bin does not match its checksum");
    await rm(join(folder, "a.bin"));
    expect(await verifyManifest(folder)).toBe("a.bin is missing");
    await truncate(join(folder, "manifest.json"), 20);
    expect(await verifyManifest(folder)).toBe("its manifest.json is missing or damaged");
  });
});
