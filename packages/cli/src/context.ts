import picocolors from "picocolors";
import type { WriteFlags } from "./arguments/index.ts";
import { Interruption } from "./interruption.ts";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** The process as an action sees it. */
export interface Context {
  interruption: Interruption;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  /** Plain unless stdout is a terminal with colors. */
  colors: Colors;
  /** Rewrites the options in a message of the API as flags of the running command. */
  inFlags: WriteFlags;
}

export function createContext(): Context {
  const { stdout, stderr, stdin, env } = process;
  const interruption = new Interruption([stdout, stderr]);
  const wantsColor = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    interruption,
    signal: interruption.signal,
    stdout,
    stderr,
    stdin,
    colors: picocolors.createColors(wantsColor),
    inFlags: (message) => message,
  };
}
