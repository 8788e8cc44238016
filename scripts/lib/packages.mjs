import { existsSync } from "node:fs";
import { join } from "node:path";
import { output, runLogged } from "./exec.mjs";
import { which } from "./native/toolchain.mjs";
import { LOGS, ROOT, readJson, workspaceFolders } from "./paths.mjs";
import { hashFiles, hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { begin, done, seconds } from "./terminal.mjs";

// In node_modules, so that removing that folder also removes the stamp.
const STAMP = join(ROOT, "node_modules", ".finetag-install.json");

/** Installs the npm packages exactly as in the lock file. */
export async function installPackages() {
  const key = installKey();
  if (readStamp(STAMP)?.key === key && allInstalled()) {
    done("packages are up to date");
    return;
  }
  const started = performance.now();
  const [command, ...prefix] = pnpmCommand();
  begin(`installing packages (${[command, ...prefix].join(" ")} install --frozen-lockfile)`);
  // Without this, pnpm asks before it replaces an old node_modules.
  const args = [...prefix, "install", "--frozen-lockfile", "--config.confirm-modules-purge=false"];
  await runLogged(command, args, {
    cwd: ROOT,
    log: join(LOGS, "pnpm-install.log"),
    what: "pnpm install",
    env: { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" },
    advice:
      "It needs the npm registry (see `npm config get registry`); run it again when the registry can be reached.",
  });
  writeStamp(STAMP, { key });
  done(`packages are installed (${seconds(performance.now() - started)})`);
}

/**
 * pnpm in the version of package.json's packageManager: the one on the PATH, or else from npx. Not corepack: older
 * versions reject the registry's newer signing keys.
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
