import { existsSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openSafetensors, openWeights } from "../../../src/weights/index.ts";
import { openPytorch } from "../../../src/weights/pytorch/read.ts";
import { folder as dir, folderForEach } from "../../folder.ts";
import { readAll } from "../tensors.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/pytorch", import.meta.url));
const fixture = (name: string) => join(FIXTURES, name);

folderForEach();

describe("what torch.save wrote", () => {
  it.each(["zip.bin", "legacy.bin"])("%s: every dtype, stride, offset and shared storage", async (name) => {
    const golden = await openSafetensors(fixture("golden.safetensors"));
    const file = await openPytorch(fixture(name));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(file.entries().sort(byName)).toEqual(golden.entries().sort(byName));
    for (const { name: tensor } of golden.entries()) {
      expect(await file.readBytes(tensor), tensor).toEqual(await golden.readBytes(tensor));
    }
    expect([...(await file.read("half_transposed"))]).toEqual([
      0,
      2 ** -24,
      -0,
      65504,
      1,
      Infinity,
      -2.5,
      -Infinity,
    ]);
    await expect(file.read("position_ids")).rejects.toMatchObject({
      message: `${fixture(name)}: tensor "position_ids" is I64, not a float; save the model as F32, F16 or BF16`,
    });
    await expect(file.read("toString")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
    await Promise.all([golden.close(), file.close()]);
    await file.close();
  });

  it.each([
    ["module.bin", ""],
    ["checkpoint4.pt", "state_dict.module."],
    ["checkpoint5.pt", "model.module."],
  ])("%s: a module's state dict, also inside a training program's checkpoint", async (name, prefix) => {
    expect(await readAll(await openPytorch(fixture(name)))).toEqual({
      [`${prefix}weight`]: [0, 1, 2, 3, 4, 5],
      [`${prefix}bias`]: [0, 0, 0],
    });
  });

  it("trained.pt: a state dict next to other tensors, and an optimizer's state, which is passed over", async () => {
    expect(await readAll(await openPytorch(fixture("trained.pt")))).toEqual({
      best_loss: [0.25],
      "model.weight": [0, 1, 2, 3, 4, 5],
      "model.bias": [0, 0, 0],
    });
  });
});

describe("a file that asks for more than weights", () => {
  it.each([
    ["system.bin", "posix.system"],
    ["system-legacy.bin", "posix.system"],
    ["eval.bin", "builtins.eval"],
    ["model.bin", "torch.nn.modules.linear.Linear"],
  ])("%s is refused by the name of %s, and nothing runs", async (name, global) => {
    await expect(openPytorch(fixture(name))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message:
        `${fixture(name)}: asks Python for "${global}", which finetag refuses: plain weights never need it; nothing was ` +
        "run. If you trust the file, save the model's weights alone: `torch.save(model.state_dict(), path)`",
    });
    expect(existsSync("finetag-was-here")).toBe(false);
  });
});

describe("a file that cannot be read", () => {
  it.each([
    ["empty.bin", "it holds no tensors by name (no state dict)"],
    [
      "deflated.bin",
      '"module/byteorder" is compressed or encrypted, which torch.save never does; save the model again with torch.save',
    ],
    [
      "big-endian.bin",
      'its numbers are in byte order "big", which finetag does not read; save it again on a little-endian machine',
    ],
  ])("%s", async (name, message) => {
    await expect(openPytorch(fixture(name))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(`${fixture(name)}: ${message}`),
    });
  });

  it.each([
    [
      "a zip archive of nothing",
      `PK\x05\x06${"\0".repeat(18)}`,
      "it does not begin like a file of torch.save",
    ],
    ["a zip archive that is cut off", "PK\x03\x04", "nd of central directory record"],
  ])("%s", async (_, contents, message) => {
    await writeFile(join(dir, "a.bin"), contents, "latin1");
    await expect(openPytorch(join(dir, "a.bin"))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining(message),
    });
  });

  // Each is a number of the archive's own records, which torch writes in their 64-bit forms.
  it.each([
    ["the end record of the 64-bit form is at no place", "PK\x06\x07", 8],
    ["the directory is at no place", "PK\x06\x06", 48],
    ["the directory has no end", "PK\x06\x06", 32],
  ])("a zip archive where %s", async (_, signature, offset) => {
    const bytes = await readFile(fixture("module.bin"));
    for (const value of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 31n]) {
      bytes.writeBigUInt64LE(value, bytes.lastIndexOf(signature, undefined, "latin1") + offset);
      await writeFile(join(dir, "a.bin"), bytes);
      await expect(openPytorch(join(dir, "a.bin")), String(value)).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: expect.stringMatching(/a\.bin: [^\n]*; the file is damaged, fetch or save it again$/),
      });
    }
  });

  it("has other data than its checksums say", async () => {
    const bytes = await readFile(fixture("zip.bin"));
    const file = await openPytorch(fixture("zip.bin"));
    const base = Buffer.from((await file.readBytes("contiguous")).buffer);
    await file.close();
    const path = join(dir, "a.bin");
    await writeFile(path, bytes.with(bytes.indexOf(base) + 95, 0x7f));
    const damaged = await openPytorch(path);
    // A part of the storage that is whole in itself is refused as well.
    for (const name of ["contiguous", "transposed", "rows", "rows"]) {
      await expect(damaged.read(name), name).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: expect.stringMatching(
          /a\.bin: the checksum of the data at byte \d+ is wrong; the file is damaged/,
        ),
      });
    }
    expect([...(await damaged.read("scalar"))]).toEqual([7]);
    await damaged.close();
  });
});

describe("a directory", () => {
  it("may hold shards, with an index", async () => {
    await copyFile(fixture("module.bin"), join(dir, "pytorch_model-00001-of-00002.bin"));
    await copyFile(fixture("zip.bin"), join(dir, "pytorch_model-00002-of-00002.bin"));
    const weightMap = {
      weight: "pytorch_model-00001-of-00002.bin",
      rows: "pytorch_model-00002-of-00002.bin",
    };
    const index = join(dir, "pytorch_model.bin.index.json");
    await writeFile(index, JSON.stringify({ weight_map: weightMap }));
    const file = await openWeights(dir);
    expect(file.format).toBe("PyTorch, 2 shards");
    expect(Object.keys(await readAll(file))).toEqual(["weight", "rows"]);
    await writeFile(index, JSON.stringify({ weight_map: { weight: "../pytorch_model.bin" } }));
    await expect(openWeights(dir)).rejects.toMatchObject({
      message: `${index}: tensor "weight" should be in "../pytorch_model.bin", which is not the name of a PyTorch file (.bin) next to it; fetch it again`,
    });
  });

  it("may hold one file under another name, next to what Trainer leaves", async () => {
    await copyFile(fixture("checkpoint4.pt"), join(dir, "best.pt"));
    for (const name of ["training_args.bin", "optimizer.pt", "rng_state.pth"])
      await writeFile(join(dir, name), "");
    expect(Object.keys(await readAll(await openWeights(dir)))).toEqual([
      "state_dict.module.weight",
      "state_dict.module.bias",
    ]);
    await copyFile(fixture("checkpoint4.pt"), join(dir, "last.pt"));
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${dir}: has 2 PyTorch files (best.pt, last.pt); rename the one you mean to pytorch_model.bin`,
    });
  });
});
