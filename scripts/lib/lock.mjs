import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 2_000;
const SILENT_MS = 60_000;

/**
 * Runs `work` while no other process that takes the same lock does.
 *
 * The lock is a file with its owner's pid and host, touched every two seconds. It counts as abandoned if its owner no
 * longer runs on this host, or, if that is unknown (another host, a reused pid), if it has not been touched for a minute
 * of the waiter's own clock.
 *
 * @param path the lock file; its folder is made
 * @param options.onWait called once, with the owner, when another process holds the lock
 */
export async function withLock(path, work, { onWait = () => {}, pollMs = 200, silentMs = SILENT_MS } = {}) {
  await mkdir(dirname(path), { recursive: true });
  const token = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    since: Date.now(),
    nonce: Math.random(),
  });
  let waited = false;
  let seen = { mtimeMs: -1, at: 0 };
  while (!tryCreate(path, token)) {
    const owner = readOwner(path);
    if (owner === undefined) continue;
    if (seen.mtimeMs !== owner.mtimeMs) seen = { mtimeMs: owner.mtimeMs, at: performance.now() };
    if (isGone(owner) || performance.now() - seen.at > silentMs) {
      breakLock(path, owner);
      continue;
    }
    if (!waited) onWait(owner);
    waited = true;
    await sleep(pollMs);
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  const release = () => {
    clearInterval(heartbeat);
    if (readOwner(path)?.text === token) rmSync(path, { force: true });
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

function tryCreate(path, token) {
  let handle;
  try {
    handle = openSync(path, "wx");
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  writeSync(handle, token);
  closeSync(handle);
  return true;
}

function readOwner(path) {
  try {
    const { mtimeMs } = statSync(path);
    const text = readFileSync(path, "utf8");
    let owner = {};
    try {
      owner = JSON.parse(text);
    } catch {
      // Its owner has created but not yet written it, or died in between.
    }
    return { ...owner, text, mtimeMs };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isGone(owner) {
  if (owner.host !== hostname() || !Number.isInteger(owner.pid)) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/**
 * Removes an abandoned lock. Two waiters may find it at once, and the slower one must not remove the new lock of the
 * faster one, so the check and the removal happen synchronously under a second lock file.
 */
function breakLock(path, owner) {
  const guard = `${path}.break`;
  if (!tryCreate(guard, String(process.pid))) {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 10_000) rmSync(guard, { force: true });
    return;
  }
  try {
    const now = readOwner(path);
    if (now?.text === owner.text && now.mtimeMs === owner.mtimeMs) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // If the lock was removed by hand, the work that it guards must still go on.
  }
}
