import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { SetupError } from "./errors.mjs";
import { clearStatus, say, status } from "./terminal.mjs";

const TAIL_LINES = 40;

/** The trimmed standard output of a short command, or undefined if it can't be run or fails. */
export function output(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["pipe", "pipe", "pipe"],
    ...options,
  });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/**
 * Runs a long command and writes its output to a log file. A terminal shows the latest line in place; if the output is
 * piped, a line every half minute shows that the command is still running.
 *
 * @throws SetupError with the last lines and the log's path when the command fails
 */
export async function runLogged(command, args, { log, what, cwd, env, advice = "" }) {
  await mkdir(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  file.write(`$ ${[command, ...args].join(" ")}\n`);
  const tail = [];
  let last = "";
  const started = performance.now();
  const alive = setInterval(() => {
    const elapsed = `${Math.round((performance.now() - started) / 1000)} s`;
    if (!status(`${elapsed}  ${last}`) && performance.now() - printedAt > 30_000) {
      printedAt = performance.now();
      say(`      ${elapsed}  ${last}`);
    }
  }, 1000);
  let printedAt = started;

  const onLine = (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (line.trim() !== "") last = line.trim();
  };
  let failure;
  try {
    failure = await runChild(command, args, { cwd, env }, file, onLine);
  } finally {
    clearInterval(alive);
    clearStatus();
    await new Promise((resolve) => file.end(resolve));
  }
  if (failure === undefined) return;
  const text = tail.join("\n").trimEnd();
  throw new SetupError(
    `${what} failed (${failure}). Its last lines:\n\n${text}\n\nFull log: ${log}${advice && `\n${advice}`}`,
  );
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Resolves to undefined, or to how the child failed. The child leads a process group of its own, so that a build
 * (npx, pnpm, cmake, ninja, compilers) ends as a whole before this process does.
 */
async function runChild(command, args, { cwd, env }, file, onLine) {
  const child = spawn(command, args, {
    cwd,
    env: env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const closed = new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  const stop = (signal) => {
    killGroup(child.pid, "SIGTERM");
    setTimeout(() => killGroup(child.pid, "SIGKILL"), 5_000).unref();
    closed.then(() => process.exit(SIGNALS[signal]));
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk) => {
      file.write(chunk);
      const lines = (rest + chunk).split(/\r?\n|\r/);
      rest = lines.pop();
      lines.forEach(onLine);
    });
    stream.on("end", () => rest !== "" && onLine(rest));
  }
  for (const signal of Object.keys(SIGNALS)) process.once(signal, stop);
  try {
    return await closed;
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.removeListener(signal, stop);
  }
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
