import { existsSync } from "node:fs";
import { join } from "node:path";
import { output, runLogged } from "./exec.mjs";
import { which } from "./native/toolchain.mjs";
import { LOGS, ROOT, readJson, workspaceFolders } from "./paths.mjs";
import { hashFiles, hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { begin, done, seconds } from "./terminal.mjs";

// It lies in node_modules so that removing that folder removes what says it is up to date.
const STAMP = join(ROOT, "node_modules", ".finetag-install.json");

/** The npm packages, exactly as the lock file has them. */
export async function installPackages() {
  const key = installKey();
  if (readStamp(STAMP)?.key === key && allInstalled()) {
    done("packages are up to date");
    return;
  }
  const started = performance.now();
  const [command, ...prefix] = pnpmCommand();
  begin(`installing packages (${[command, ...prefix].join(" ")} install --frozen-lockfile)`);
  // Replacing an old node_modules asks a question, and there is nobody to answer it.
  const args = [...prefix, "install", "--frozen-lockfile", "--config.confirm-modules-purge=false"];
  await runLogged(command, args, {
    cwd: ROOT,
    log: join(LOGS, "pnpm-install.log"),
    what: "pnpm install",
    env: { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" },
    advice: "It needs the npm registry (see `npm config get registry`); run again when that is in reach.",
  });
  writeStamp(STAMP, { key });
  done(`packages are installed (${seconds(performance.now() - started)})`);
}

/**
 * pnpm in the version of package.json's packageManager: one on the PATH, or else npx brings it. Not corepack: older
 * ones reject the registry's newer signing keys.
 */
export function pnpmCommand() {
  const wanted = readJson("package.json").packageManager;
  const env = { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" };
  if (which("pnpm") && `pnpm@${output("pnpm", ["--version"], { cwd: ROOT, env })}` === wanted)
    return ["pnpm"];
  return ["npx", "-y", wanted];
}

function installKey() {
  const manifests = workspaceFolders().map((folder) => `${folder}/package.json`);
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ...manifests];
  return hashOf(hashFiles(ROOT, files), process.platform, process.arch);
}

function allInstalled() {
  return workspaceFolders().every((folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson(folder, "package.json");
    const names = Object.keys({ ...dependencies, ...devDependencies });
    return names.every((name) => existsSync(join(ROOT, folder, "node_modules", name)));
  });
}
