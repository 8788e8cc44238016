import { existsSync } from "node:fs";
import { join } from "node:path";
import { runLogged } from "./exec.mjs";
import { pnpmCommand } from "./packages.mjs";
import { CACHE, LOGS, ROOT } from "./paths.mjs";
import { hashFiles, hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { begin, done, seconds } from "./terminal.mjs";

const STAMP = join(CACHE, "typescript.json");
const PACKAGES = ["core-native", "ts-api", "cli"];

/** Compiles the packages to their dist/ folders, unless no source has changed since the last time. */
export async function buildTypeScript() {
  const inputs = PACKAGES.flatMap((name) =>
    ["src", "lib", "tsconfig.json", "package.json"].map((part) => `packages/${name}/${part}`),
  ).filter((path) => path !== "packages/core-native/src");
  const key = hashOf(hashFiles(ROOT, [...inputs, "tsconfig.base.json", "turbo.json", "pnpm-lock.yaml"]));
  const compiled = PACKAGES.every((name) => existsSync(join(ROOT, "packages", name, "dist", ".tsbuildinfo")));
  if (compiled && readStamp(STAMP)?.key === key) {
    done("the TypeScript packages are up to date");
    return;
  }
  const started = performance.now();
  begin("compiling the TypeScript packages (turbo run build)");
  // turbo starts each package's script with pnpm, so pnpm has to start turbo: npx does not leave it on the PATH.
  const [command, ...prefix] = pnpmCommand();
  await runLogged(command, [...prefix, "exec", "turbo", "run", "build", "--output-logs=new-only"], {
    cwd: ROOT,
    log: join(LOGS, "typescript-build.log"),
    what: "The TypeScript build",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
  });
  writeStamp(STAMP, { key });
  done(`the TypeScript packages are compiled (${seconds(performance.now() - started)})`);
}
