import { readFileSync } from "node:fs";

const POLL_MS = 1000;

/** Programs that start commands of installed packages and wait for them. */
const RUNNER = /(?:^|[/\s])(npx|npm|pnpm|pnpx|yarn|yarnpkg|bunx|bun)(?:-cli)?(?:\.[cm]?js)?(?=\s|$)/;
const SHELL = /^(?:sh|bash|dash|ash|zsh|ksh|busybox)$/;

/** A process as /proc shows it. */
interface Process {
  pid: number;
  parent: number;
  /** Short name of the program. */
  name: string;
}

/**
 * Calls back when the npx, npm, pnpm or yarn that started this process has ended: killed with SIGTERM, it does not pass the
 * signal on, and this process would go on as an orphan. Only such a program is watched, never a shell or a terminal, so
 * whatever runs under `nohup`, `setsid` or `disown` goes on after a logout, as the runner itself does.
 *
 * @param callback Gets the runner's name.
 */
export function onParentEnd(callback: (runner: string) => void): void {
  const { npm_command, npm_lifecycle_event, npm_config_user_agent } = process.env;
  if ((npm_command ?? npm_lifecycle_event ?? npm_config_user_agent) === undefined) return;
  const found = findRunner();
  if (found === undefined) return;
  const timer = setInterval(() => {
    if (found.links.every(({ child, parent }) => parentOf(child) === parent)) return;
    clearInterval(timer);
    callback(found.runner);
  }, POLL_MS);
  timer.unref();
}

/** The runner, and the steps from this process up to it: there may be a shell in between. */
function findRunner(): { runner: string; links: { child: number; parent: number }[] } | undefined {
  const links: { child: number; parent: number }[] = [];
  for (let child = process.pid; links.length < 3; ) {
    const parent = parentOf(child);
    if (parent === undefined || parent <= 1) return undefined;
    links.push({ child, parent });
    const runner = RUNNER.exec(commandOf(parent))?.[1];
    if (runner !== undefined) return { runner, links };
    if (!SHELL.test(statOf(parent)?.name ?? "")) return undefined;
    child = parent;
  }
  return undefined;
}

function parentOf(pid: number): number | undefined {
  return pid === process.pid ? process.ppid : statOf(pid)?.parent;
}

/** `PID (NAME) STATE PPID …`; a name may contain anything. */
function statOf(pid: number): Process | undefined {
  const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readIfAny(`/proc/${pid}/stat`)) ?? [];
  return name === undefined ? undefined : { pid, parent: Number(parent), name };
}

/** The program and its first arguments; npm replaces them by its title, such as `npm exec finetag train`. */
function commandOf(pid: number): string {
  return readIfAny(`/proc/${pid}/cmdline`).split("\0").slice(0, 2).join(" ");
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
