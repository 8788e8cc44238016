import { z } from "zod";

/** A length of time, such as `90s`, `10m`, `1.5h`; never zero. */
type Time = `${number}${"s" | "m" | "h"}`;

const WRONG = "must be epoch, a number of steps, or a time such as 10m";

const time = z
  .string()
  .regex(/^(?=.*[1-9])\d+(\.\d+)?[smh]$/, WRONG)
  .meta({ title: "a time such as 90s, 10m or 2h" }) as unknown as z.ZodType<Time, Time>;

/** When checkpoints are written: every so many steps, once per epoch, or after a time. */
export const saveEvery = z.union([z.literal("epoch"), z.number().int(WRONG).positive(WRONG), time], WRONG);

const SECONDS = { s: 1, m: 60, h: 3600 } as const;

/** Seconds of a time such as `10m`; undefined for a number of steps and for `epoch`. */
export function secondsOf(every: z.output<typeof saveEvery>): number | undefined {
  const match = /^([\d.]+)([smh])$/.exec(String(every));
  return match === null ? undefined : Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
}
