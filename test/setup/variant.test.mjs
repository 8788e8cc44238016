import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addonPath } from "@finetag/core-native";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDriver, nvidiaDriver } from "../../scripts/lib/native/driver.mjs";
import { activeVariant, buildFolder, useVariant } from "../../scripts/lib/native/variant.mjs";

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag variant "));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the variant in use", () => {
  it("is the CPU's until another is set up, and FINETAG_VARIANT's where that is set", () => {
    const file = join(folder, ".variant");
    expect(activeVariant({}, file)).toBe("cpu");
    useVariant("cuda", file);
    expect(activeVariant({}, file)).toBe("cuda");
    expect(activeVariant({ FINETAG_VARIANT: "cpu" }, file)).toBe("cpu");
    useVariant("cpu", file);
    expect(activeVariant({}, file)).toBe("cpu");
    expect(activeVariant({ FINETAG_VARIANT: "cuda" }, file)).toBe("cuda");
    expect(() => activeVariant({ FINETAG_VARIANT: "rocm" }, file)).toThrow("must be cpu or cuda");
  });

  describe("as the package that loads the addon sees it", () => {
    const before = process.env.FINETAG_VARIANT;

    afterEach(() => {
      if (before === undefined) delete process.env.FINETAG_VARIANT;
      else process.env.FINETAG_VARIANT = before;
    });

    it.each(["cpu", "cuda", ""])("is the same: FINETAG_VARIANT=%s", (asked) => {
      process.env.FINETAG_VARIANT = asked;
      expect(addonPath()).toBe(join(buildFolder(activeVariant()), "Release", "finetag.node"));
    });

    it("must be known", () => {
      process.env.FINETAG_VARIANT = "rocm";
      expect(addonPath).toThrow("FINETAG_VARIANT=rocm: must be cpu or cuda");
    });
  });
});

describe("NVIDIA's driver", () => {
  const shown = (text) => {
    const file = join(folder, "version");
    writeFileSync(file, text);
    return nvidiaDriver(file);
  };

  it("tells its version", () => {
    const gcc = "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n";
    const open =
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22)\n";
    const closed =
      "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n";
    expect(shown(open + gcc)).toBe("580.95.05");
    expect(shown(closed + gcc)).toBe("535.129.03");
    expect(nvidiaDriver(join(folder, "nothing"))).toBeUndefined();
  });

  it("that is missing or too old stops the set-up, unless told to go on", () => {
    expect(() => checkDriver(580, false, undefined)).toThrow(
      /^No NVIDIA driver was found.*580 or newer.*\n.*--yes/,
    );
    expect(() => checkDriver(580, false, "535.129.03")).toThrow(
      /^The NVIDIA driver on this machine is 535\.129\.03;/,
    );
    expect(() => checkDriver(580, true, undefined)).not.toThrow();
    expect(() => checkDriver(580, false, "580.65.06")).not.toThrow();
    expect(() => checkDriver(580, false, "610.10")).not.toThrow();
    expect(() => checkDriver(undefined, false, undefined)).not.toThrow();
  });
});
