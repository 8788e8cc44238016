/** A value as JSON has it: integers that are exact, else strings; dates by ISO 8601; lists as arrays. */
export function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plainValue);
  if (Symbol.iterator in value) return Array.from(value as Iterable<unknown>, plainValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** pandas' name for the row numbers that it saves; they have none in a CSV. */
export function columnName(name: string): string {
  return /^__index_level_\d+__$/.test(name) ? "" : name;
}
