#!/usr/bin/env node
// Sets everything up; when all is up to date, it ends quickly: node scripts/bootstrap.mjs [--variant V] [--tests] [--yes]

import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { fetchLibtorch } from "../third_party/fetch-libtorch.mjs";
import { findVariant, readManifest } from "../third_party/lib/manifest.mjs";
import { findPip } from "../third_party/lib/pip.mjs";
import { reportError, SetupError } from "./lib/errors.mjs";
import { withLock } from "./lib/lock.mjs";
import { isMain } from "./lib/main.mjs";
import { checkDriver } from "./lib/native/driver.mjs";
import { buildNative } from "./lib/native/native.mjs";
import {
  canInstall,
  checkNode,
  checkSystem,
  findToolchain,
  installTools,
  missingMessage,
} from "./lib/native/toolchain.mjs";
import { activeVariant, useVariant } from "./lib/native/variant.mjs";
import { installPackages } from "./lib/packages.mjs";
import { CACHE, LOGS, ROOT } from "./lib/paths.mjs";
import { done, note, say, seconds } from "./lib/terminal.mjs";
import { buildTypeScript } from "./lib/typescript.mjs";

const HELP = `node scripts/bootstrap.mjs [--variant cpu|cuda] [--tests] [--yes]

Checks the tools, installs the npm packages, downloads libtorch, and builds the native addon and the TypeScript packages.
Run it as often as you like; it skips what is up to date.

  --variant V      cpu, or cuda for NVIDIA GPUs (2.5 GB to download); stays in use until you choose another
  --tests          build the C++ tests too, as npm test does
  --yes            as root on Debian or Ubuntu, install missing tools with apt-get; set up the variant cuda even if no
                   NVIDIA driver is found (also FINETAG_YES=1)

  LIBTORCH_PATH    your own libtorch: the zip's libtorch/ or a wheel's torch/ folder
  FINETAG_CACHE    where libtorch is stored (default: ~/.cache/finetag)
  FINETAG_VARIANT  the variant for this command only
  CXX              the C++ compiler`;

/**
 * Sets up everything that finetag needs to run from this checkout.
 *
 * @param options.yes missing tools may be installed (default: FINETAG_YES=1)
 * @param options.variant of libtorch, from now on (default: the one in use)
 * @param options.tests whether to build the C++ tests too
 * @throws SetupError with what to do, when a step can't be done
 */
export async function bootstrap({ yes = process.env.FINETAG_YES === "1", variant, tests = false } = {}) {
  const started = performance.now();
  say("Setting up finetag");
  const node = checkNode();
  const { kind, platforms } = findVariant(readManifest(), variant ?? activeVariant());
  if (variant !== undefined) checkDriver(platforms[`${process.platform}-${process.arch}`]?.driver, yes);
  await withLock(
    join(CACHE, "bootstrap.lock"),
    async () => {
      const toolchain = await requireToolchain(yes);
      const cmake = `CMake ${toolchain.cmake}, ${toolchain.generator}`;
      done(`${node}; ${toolchain.compiler.version}; ${cmake}`);
      await installPackages();
      checkSystem();
      const libtorch = await fetchLibtorch({ variant: variant ?? kind, ensurePip: () => ensurePip(yes) });
      done(`libtorch ${libtorch.version} (${libtorch.source}): ${libtorch.path}`);
      await buildNative(toolchain, libtorch, kind);
      if (tests) await buildNative(toolchain, libtorch, kind, "tests");
      await buildTypeScript();
      // Last, so that a failed set-up leaves the working variant in use.
      if (variant !== undefined) useVariant(kind);
    },
    {
      onWait: ({ pid }) =>
        note(`another set-up (process ${pid}) is running in this checkout; waiting for it`),
    },
  );
  say(`Ready (${seconds(performance.now() - started)})`);
}

async function requireToolchain(yes) {
  const toolchain = findToolchain();
  if (toolchain.problems.length === 0) return toolchain;
  const tools = toolchain.problems.map(({ tool }) => tool);
  if (!canInstall(yes)) throw new SetupError(missingMessage(toolchain.problems));
  await installTools(tools, LOGS);
  const after = findToolchain();
  if (after.problems.length > 0) throw new SetupError(missingMessage(after.problems));
  return after;
}

async function ensurePip(yes) {
  if (findPip() === undefined && canInstall(yes)) await installTools(["pip"], LOGS);
}

if (isMain(import.meta.url)) {
  try {
    const { values } = parseArgs({
      options: {
        variant: { type: "string" },
        tests: { type: "boolean" },
        yes: { type: "boolean", short: "y" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) console.log(HELP);
    else {
      await bootstrap(values);
      const here = relative(process.cwd(), ROOT);
      const from = here === "" ? "" : ` (in ${here})`;
      console.log(`Next${from}: npm run demo, npm test, or npx finetag --help`);
    }
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
