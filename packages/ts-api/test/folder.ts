import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

/** A new, empty folder of this test file, which {@link folderForEach} or {@link folderForAll} makes and removes. */
export let folder: string;

const make = async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-test-"));
};
const remove = () => rm(folder, { recursive: true, force: true });

/** A folder for each test of the file. */
export function folderForEach(): void {
  beforeEach(make);
  afterEach(remove);
}

/** One folder for all tests of the file. */
export function folderForAll(): void {
  beforeAll(make);
  afterAll(remove);
}
