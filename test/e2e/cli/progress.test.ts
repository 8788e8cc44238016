import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FINETAG } from "../program.ts";
import { hasScript, trainArgs, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

test.skipIf(!hasScript || process.platform !== "linux")(
  "a bar fits into a terminal that becomes narrower, and leaves nothing of the wider one",
  { timeout: 60_000 },
  async () => {
    const name = join(trained.folder, "terminal");
    const args = [
      ...trainArgs(trained, join(trained.folder, "narrow")),
      ...["--epochs", "60", "--batch-size", "8", "--threads", "1"],
    ];
    const words = [process.execPath, FINETAG, ...args].map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", `tty > '${name}'; stty cols 120; ${words}`, "/dev/null"], {
      env: { ...process.env, TERM: "xterm" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let screen = "";
    let resizedAt: number | undefined;
    child.stdout.setEncoding("utf8").on("data", async (text: string) => {
      screen += text;
      if (resizedAt !== undefined || !/ step \d\d\//.test(screen)) return;
      resizedAt = screen.length;
      const terminal = (await readFile(name, "utf8")).trim();
      expect(spawnSync("stty", ["-F", terminal, "cols", "40"]).status).toBe(0);
    });
    expect((await once(child, "close"))[0]).toBe(0);

    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of a terminal
    const drawings = (part: string) => part.match(/[█░]{24}[^\r\n\u001b]*/g) ?? [];
    const wide = drawings(screen.slice(0, resizedAt));
    expect(Math.max(...wide.map((line) => line.length))).toBeGreaterThan(80);
    const later = screen.slice(resizedAt);
    const cleared = later.indexOf("\u001b[0J");
    expect(cleared).toBeGreaterThan(-1);
    const narrow = drawings(later.slice(cleared));
    expect(narrow.length).toBeGreaterThan(2);
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(40);
    // The cursor waits at the start of the line, where it stays when a terminal wraps the rest.
    expect(later).toMatch(/[█░]{24}[^\r\n]*\r/);
  },
);
