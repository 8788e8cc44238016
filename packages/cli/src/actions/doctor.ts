import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { DoctorCheck, DoctorReport } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Colors, Context } from "../context.ts";
import { plural } from "../output/index.ts";

/** Without these nothing runs. Other failed checks only limit what finetag can do. */
const ESSENTIAL: ReadonlySet<string> = new Set(["Node.js", "libtorch"]);

/** The first use of a GPU can take a while. */
const PROBE_TIMEOUT_MS = 120_000;

const schema = z.strictObject({ json: z.boolean().default(false).describe("Write the report as JSON") });

export type Report = Partial<DoctorReport> & Pick<DoctorReport, "node" | "platform" | "checks">;

export const action = defineAction({
  schema,
  alsoNames: ["threads"],
  async run({ json }, _call, { stdout, colors, signal, inFlags }: Context) {
    const found = await probe(signal);
    const checks = found.checks.map((check) =>
      check.remedy === undefined ? check : { ...check, remedy: inFlags(check.remedy) },
    );
    const report = { ...found, checks };
    stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report, colors));
    return report.checks.some(({ name, ok }) => !ok && ESSENTIAL.has(name)) ? 1 : 0;
  },
});

/** Runs `doctor` in another process, because a broken addon may crash the process that loads it. */
export async function probe(signal: AbortSignal): Promise<Report> {
  const api = import.meta.resolve("@finetag/api");
  const script = `import { doctor } from ${JSON.stringify(api)}; process.stdout.write(JSON.stringify(await doctor()));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PROBE_TIMEOUT_MS,
    signal,
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, name) => resolve(name ?? `exit code ${code}`));
  });
  const [out, err, ending] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  try {
    return JSON.parse(out) as DoctorReport;
  } catch {
    return {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      checks: [brokenAddon(err, ending)],
    };
  }
}

function brokenAddon(stderr: string, ending: string): DoctorCheck {
  const reason = stderr
    .split("\n")
    .find((line) => /error/i.test(line))
    ?.trim();
  return {
    name: "libtorch",
    ok: false,
    detail: `loading the engine ended with ${ending}${reason === undefined ? "" : `: ${reason}`}`,
    remedy: "run `npm run bootstrap` in finetag's folder; it builds what is missing",
  };
}

export function describe(report: Report, colors: Colors): string {
  const lines: string[] = [];
  if (report.finetag !== undefined)
    lines.push(`finetag ${report.finetag} on ${report.platform}, Node.js ${report.node}`);
  for (const { name, ok, detail, remedy } of report.checks) {
    const mark = ok ? colors.green("ok") : colors.red("✗ ");
    lines.push(`${mark}  ${name}: ${detail}`);
    if (remedy !== undefined) lines.push(`    → ${remedy}`);
  }
  if (report.devices !== undefined) {
    const memory =
      report.memoryMb === undefined ? "" : `, ${(report.memoryMb / 1024).toFixed(1)} GiB of memory`;
    lines.push(`devices: ${report.devices.join(", ")}; ${plural(report.threads ?? 1, "thread")}${memory}`);
  }
  return `${lines.join("\n")}\n`;
}
