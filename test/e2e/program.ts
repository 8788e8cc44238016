import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const FINETAG = fileURLToPath(new URL("../../packages/cli/bin/finetag.mjs", import.meta.url));

export interface Ended {
  code: number | null;
  /** What ended it, if not itself; absent otherwise. */
  signal?: NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** For stdin, which is closed after it. */
  input?: string | Buffer;
  cwd?: string;
  env?: Record<string, string>;
  /** Another copy of the program. */
  program?: string;
  /** Sees stdout grow. */
  watch?: (stdout: string, child: ChildProcess) => void;
}

/** Runs `finetag` as a process with pipes and waits for its end. */
export async function finetag(args: string[], options: RunOptions = {}): Promise<Ended> {
  const { FINETAG_DEBUG: _debug, NO_COLOR: _color, ...env } = process.env;
  const child = spawn(process.execPath, [options.program ?? FINETAG, ...args], {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
    options.watch?.(said.stdout, child);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, ...(signal === null ? {} : { signal }), ...said };
}
