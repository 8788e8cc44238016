import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where finetag stores what it can rebuild or download again: `FINETAG_CACHE`, else below `XDG_CACHE_HOME`, else `~/.cache/finetag`. */
export function finetagCacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.FINETAG_CACHE) return resolve(expandHome(env.FINETAG_CACHE));
  return join(expandHome(env.XDG_CACHE_HOME || "~/.cache"), "finetag");
}

/** A path that begins with `~/`, as a shell reads it. */
export function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
