import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FinetagError } from "../../src/errors/index.ts";
import { maskedCrc32c } from "../../src/io/index.ts";
import { TensorBoardWriter } from "../../src/report/tensorboard/writer.ts";
import { readEvents } from "./reader.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "finetag-report-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("checksums are those of TFRecord", () => {
  // CRC-32C of "123456789" is 0xe3069283 (RFC 3720 B.4 uses the same polynomial); masked as record_writer.h says.
  const masked = (((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0;
  expect(maskedCrc32c(new TextEncoder().encode("123456789"))).toBe(masked);
});

test("scalars and texts can be read back", async () => {
  const writer = await TensorBoardWriter.open(join(dir, "runs", "one"));
  await writer.scalar("train/loss", 0.25, 10, 1700000000.5);
  await writer.scalars({ "train/lr": 5e-5, "train/texts_per_second": 70 }, 20, 1700000001);
  await writer.text("arguments", "| key | value |", 0, 1700000002);
  await writer.close();
  await writer.close();

  const events = readEvents(await readFile(writer.path));
  expect(events[0]).toMatchObject({ fileVersion: "brain.Event:2" });
  expect(events.slice(1)).toEqual([
    { wallTime: 1700000000.5, step: 10, values: [{ tag: "train/loss", simpleValue: 0.25 }] },
    {
      wallTime: 1700000001,
      step: 20,
      values: [
        { tag: "train/lr", simpleValue: Math.fround(5e-5) },
        { tag: "train/texts_per_second", simpleValue: 70 },
      ],
    },
    {
      wallTime: 1700000002,
      step: 0,
      values: [{ tag: "arguments", text: "| key | value |", plugin: "text" }],
    },
  ]);
});

test("events come in call order without waiting for each", async () => {
  const writer = await TensorBoardWriter.open(dir);
  const writes = Array.from({ length: 200 }, (_, step) => writer.scalar("a", step, step));
  await writer.close();
  await Promise.all(writes);
  const steps = readEvents(await readFile(writer.path)).map((event) => event.step);
  expect(steps.slice(1)).toEqual(Array.from({ length: 200 }, (_, step) => step));
});

test("a resumed run adds a file that starts after the checkpoint's step", async () => {
  await (await TensorBoardWriter.open(dir)).close();
  const writer = await TensorBoardWriter.open(dir, { resumedAfterStep: 40 });
  await writer.close();
  expect(await readdir(dir)).toHaveLength(2);
  expect(readEvents(await readFile(writer.path))[1]).toMatchObject({ step: 41, sessionStatus: 1 });
});

test("large steps keep their value", async () => {
  const writer = await TensorBoardWriter.open(dir);
  await writer.scalar("a", 1, 2 ** 40 + 1);
  await writer.close();
  expect(readEvents(await readFile(writer.path))[1]?.step).toBe(2 ** 40 + 1);
});

test("a closed writer refuses", async () => {
  const writer = await TensorBoardWriter.open(dir);
  await writer.close();
  await expect(writer.scalar("a", 1, 1)).rejects.toMatchObject({ code: "ERR_FINETAG_DISPOSED" });
});

test.skipIf(process.getuid?.() === 0)("a folder without rights is one clear error", async () => {
  await chmod(dir, 0o500);
  await expect(TensorBoardWriter.open(dir)).rejects.toThrow(FinetagError);
});

test("a file where the folder should be is one clear error", async () => {
  const writer = await TensorBoardWriter.open(dir);
  await writer.close();
  await expect(TensorBoardWriter.open(join(writer.path, "runs"))).rejects.toMatchObject({
    code: "ERR_FINETAG_IO",
  });
});
