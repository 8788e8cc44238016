/** `1:02:03` or `2:03`; from seconds. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `10.9 s` below a minute, else as {@link formatDuration}. */
export function formatSeconds(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** `43,410` */
export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 step`, `43,410 steps` */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Names from files may have megabytes. */
const NAME_LIMIT = 200;

/** A name as it is, or its start. */
export function shortName(name: string): string {
  return name.length <= NAME_LIMIT ? name : `${name.slice(0, NAME_LIMIT)}…`;
}

/** All names, or only the first ones if there are many. */
export function listSome(names: readonly string[], most = 12): string {
  const listed = names.length <= most ? names : names.slice(0, most - 1);
  const text = listed.map(shortName).join(", ");
  return names.length <= most ? text : `${text} and ${names.length - most + 1} more`;
}

/** Four decimals for a metric; a dash if it has no value. */
export function formatMetric(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value.toFixed(4);
}

/** A short form for numbers of any size: `0.6931`, `4.5e-5`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2).replace(/\.?0+e/, "e");
  return value.toFixed(size < 10 ? 4 : 1);
}

/** `87.2 MiB` */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
