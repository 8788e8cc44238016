import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import { EXIT_FAILED, UsageError } from "../errors.ts";
import { describe, probe } from "./doctor.ts";

/** The set-up script of the checkout that contains this package; same path from `src/` and the compiled `dist/`. */
const BOOTSTRAP = fileURLToPath(new URL("../../../../scripts/bootstrap.mjs", import.meta.url));

/** The checks of `doctor` that are shown at the end. */
const SHOWN: ReadonlySet<string> = new Set(["libtorch", "GPU"]);

const schema = z.strictObject({
  variant: z
    .enum(["cpu", "cuda"])
    .optional()
    .describe("Variant of the engine to build and use from now on (default: the one in use)"),
  yes: z
    .boolean()
    .default(false)
    .describe("Continue without an NVIDIA driver; install missing tools (needs root, on Debian or Ubuntu)"),
});

export const action = defineAction({
  schema,
  async run({ variant, yes }, _call, { stdout, colors, signal, interruption }) {
    if (!existsSync(BOOTSTRAP)) {
      throw new UsageError(
        "setup needs a clone of finetag's repository, and this installation is not in one",
      );
    }
    const args = [...(variant === undefined ? [] : ["--variant", variant]), ...(yes ? ["--yes"] : [])];
    const child = spawn(process.execPath, [BOOTSTRAP, ...args], { stdio: "inherit" });
    // Ctrl-C reaches the child directly: it is in the same process group.
    interruption.onFirst((cause) => cause !== "SIGINT" && child.kill("SIGTERM"));
    const [code] = (await once(child, "close")) as [number | null];
    if (signal.aborted) return interruption.exitCode;
    if (code !== 0) return EXIT_FAILED;
    const report = await probe(signal);
    const checks = report.checks.filter(({ name }) => SHOWN.has(name));
    stdout.write(describe({ ...report, finetag: undefined, checks }, colors));
    return checks.some(({ name, ok }) => name === "libtorch" && !ok) ? EXIT_FAILED : 0;
  },
});
