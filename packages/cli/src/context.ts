import picocolors from "picocolors";
import type { WriteFlags } from "./arguments/index.ts";
import { Interruption } from "./interruption.ts";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** What an action has of the process around it. */
export interface Context {
  interruption: Interruption;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  /** Plain unless stdout is a terminal that wants colors. */
  colors: Colors;
  /** Writes the options that a message of the API names as those of the command that runs. */
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
