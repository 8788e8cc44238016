/** What is wrong with a model is known before its size is paid for. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openModel, readModelSource } from "../../src/engine/index.ts";
import { folder, folderForAll } from "../folder.ts";
import { LABELS, writeTinyModel } from "../training/tiny.ts";

folderForAll();

/** In bytes: the most address space that this process ever had. */
async function peakAddresses(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8");
  return Number(/^VmPeak:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

const isLinux = process.platform === "linux";
it.skipIf(!isLinux)(
  "weights of other shapes than the config's are refused without taking memory",
  async () => {
    const directory = await writeTinyModel(join(folder, "model"));
    // The engine starts once, whatever the model.
    const small = await openModel(await readModelSource(directory), { labels: LABELS, threads: 1 });
    await small.session.dispose();
    const huge = { hidden_size: 1024, max_position_embeddings: 4_000_000 };
    const config = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
    await writeFile(join(directory, "config.json"), JSON.stringify({ ...config, ...huge }));
    const source = await readModelSource(directory);
    const before = await peakAddresses();
    await expect(openModel(source, { labels: LABELS, threads: 1 })).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringMatching(/has shape \[.*but config\.json needs/),
    });
    expect((await peakAddresses()) - before).toBeLessThan(1e9);
  },
);
