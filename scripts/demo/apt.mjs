import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SourceUnavailable } from "../../third_party/lib/download.mjs";
import { output } from "../lib/exec.mjs";
import { clearStatus, status } from "../lib/terminal.mjs";

const HOOKS = ["Pre-Invoke", "Post-Invoke", "Post-Invoke-Success", "Post-Invoke-Stats"];

/**
 * Downloads the package lists and the English descriptions of the system's own sources into a private apt state and
 * passes them to `use`, so it needs no root and leaves the system's state alone. The private state is removed afterwards.
 *
 * @param cache an existing folder for the state (about 100 MB while it lives)
 * @param use called with `{ packages, translations }`: paths of control files, sorted
 * @throws SourceUnavailable without apt, or if no list can be downloaded
 */
export async function withPackageLists(cache, use) {
  if (output("apt-get", ["--version"]) === undefined) throw new SourceUnavailable("apt is not installed");
  await sweep(cache);
  const state = await mkdtemp(join(cache, "apt-"));
  try {
    const options = await privateState(state);
    await update(options);
    await use(listFiles(options));
  } finally {
    clearStatus();
    await rm(state, { recursive: true, force: true });
  }
}

/** Removes what killed runs left behind; no run takes an hour. */
async function sweep(cache) {
  for (const name of await readdir(cache)) {
    if (!/^apt-\w{6}$/.test(name)) continue;
    const age = Date.now() - (await stat(join(cache, name))).mtimeMs;
    if (age > 3_600_000) await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function privateState(state) {
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    await mkdir(join(state, folder), { recursive: true });
  }
  await writeFile(join(state, "status"), "");
  await writeFile(
    join(state, "apt.conf"),
    [
      `Dir::State ${JSON.stringify(state)};`,
      `Dir::State::lists "lists";`,
      `Dir::State::status ${JSON.stringify(join(state, "status"))};`,
      `Dir::Cache ${JSON.stringify(join(state, "cache"))};`,
      "#clear Acquire::Languages;",
      'Acquire::Languages "en";',
      'Acquire::GzipIndexes "false";',
      'Acquire::Retries "1";',
      'Acquire::http::Timeout "20";',
      'Acquire::https::Timeout "20";',
      // Hooks for updates of the system must not run here.
      ...HOOKS.map((hook) => `#clear APT::Update::${hook};`),
      ...otherTargets().map((target) => `Acquire::IndexTargets::${target}::DefaultEnabled "false";`),
      "",
    ].join("\n"),
  );
  return ["-c", join(state, "apt.conf")];
}

/** Other indexes that the system is configured to fetch (sources, contents, icons); none is needed. */
function otherTargets() {
  const dump = output("apt-config", ["dump", "Acquire::IndexTargets"]) ?? "";
  const targets = new Set(
    [...dump.matchAll(/^Acquire::IndexTargets::(deb(?:-src)?::[^:\s]+)::/gm)].map((match) => match[1]),
  );
  return [...targets].filter((target) => target !== "deb::Packages" && target !== "deb::Translations");
}

/** A source that can't be reached is a warning to apt; whether enough came is seen from the lists. */
async function update(options) {
  status("apt-get update, with a private state");
  const child = spawn("apt-get", ["update", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const line = text.trim().split("\n").at(-1);
    if (line) status(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  const failure = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? undefined : `exit code ${code}`));
  });
  if (failure === undefined) return;
  const reason = errors.split("\n").find((line) => line.startsWith("E:")) ?? failure;
  throw new SourceUnavailable(`apt-get update failed: ${reason.replace(/^E:\s*/, "")}`);
}

function listFiles(options) {
  const format = "$(CREATED_BY)\t$(FILENAME)";
  const lines = (output("apt-get", ["indextargets", "--format", format, ...options]) ?? "").split("\n");
  const of = (kind) =>
    lines
      .map((line) => line.split("\t"))
      .filter(([creator, path]) => creator === kind && path)
      .map(([, path]) => path)
      .sort();
  const lists = { packages: of("Packages"), translations: of("Translations") };
  if (lists.packages.length === 0)
    throw new SourceUnavailable("apt reached none of the system's package sources");
  return lists;
}
