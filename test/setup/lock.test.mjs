import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "../../scripts/lib/lock.mjs";

const LOCK_MODULE = fileURLToPath(new URL("../../scripts/lib/lock.mjs", import.meta.url));

let folder;
let path;
let children;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag-lock-"));
  path = join(folder, "deep", "lock");
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A process of its own that runs `body` under the lock, where `log` appends a word to a file. */
function locker(body) {
  const log = JSON.stringify(join(folder, "log"));
  const code = `
    import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    import { withLock } from ${JSON.stringify(LOCK_MODULE)};
    const log = (word) => appendFileSync(${log}, word + "\\n");
    await withLock(${JSON.stringify(path)}, async () => { ${body} }, { pollMs: 5 });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
  children.push(child);
  return once(child, "close");
}

const words = () => readFileSync(join(folder, "log"), "utf8").trim().split("\n");

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a lock", () => {
  it("is held by one process at a time", async () => {
    const runs = Array.from({ length: 5 }, () => locker('log("in"); await sleep(30); log("out");'));
    await Promise.all(runs);
    expect(words()).toEqual(Array.from({ length: 5 }, () => ["in", "out"]).flat());
    expect(existsSync(path)).toBe(false);
  });

  it("is given back when the work fails, and the error comes through", async () => {
    const work = withLock(path, () => Promise.reject(new Error("broken")));
    await expect(work).rejects.toThrow("broken");
    expect(existsSync(path)).toBe(false);
    await expect(withLock(path, async () => "free")).resolves.toBe("free");
  });

  it("is given back when the process ends in the middle", async () => {
    await locker("process.exit(3);");
    expect(existsSync(path)).toBe(false);
  });

  it("tells once who holds it", async () => {
    const run = locker('log("in"); await sleep(300);');
    await until(() => existsSync(join(folder, "log")));
    const owners = [];
    await withLock(path, async () => {}, { pollMs: 5, onWait: ({ pid }) => owners.push(pid) });
    expect(owners).toEqual([children[0].pid]);
    await run;
  });

  it("left behind by a killed process is taken over at once, by one of many", async () => {
    const victim = locker('log("victim"); await sleep(60_000);');
    await until(() => existsSync(join(folder, "log")));
    children[0].kill("SIGKILL");
    await victim;
    expect(existsSync(path)).toBe(true);
    const started = performance.now();
    await Promise.all(Array.from({ length: 4 }, () => locker('log("in"); await sleep(20); log("out");')));
    expect(words()).toEqual(["victim", ...Array.from({ length: 4 }, () => ["in", "out"]).flat()]);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it("that was written half is taken over when it stays silent", async () => {
    await withLock(path, async () => {});
    writeFileSync(path, '{"pid":');
    await expect(withLock(path, async () => "taken", { pollMs: 5, silentMs: 100 })).resolves.toBe("taken");
  });

  it("of a silent process on another host is taken over; of a lively one it is not", async () => {
    await withLock(path, async () => {});
    const other = JSON.stringify({ pid: 1, host: `not-${hostname()}` });
    writeFileSync(path, other);
    const beat = setInterval(() => writeFileSync(path, other), 20);
    let taken = false;
    const waiting = withLock(path, async () => (taken = true), { pollMs: 5, silentMs: 200 });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(taken).toBe(false);
    clearInterval(beat);
    await waiting;
    expect(taken).toBe(true);
  });
});
