/**
 * A number as Python's `str(numpy.float32(x))` writes it: the fewest digits that name this float32, positional from
 * 1e-4 on and scientific below.
 *
 * @param value not negative, below 1e16.
 */
export function formatFloat32(value: number): string {
  const single = Math.fround(value);
  const digits = shortest(single);
  if (single !== 0 && single < 1e-4) {
    return digits.replace(/e-(\d)$/, "e-0$1");
  }
  const positional = String(Number(digits));
  return positional.includes(".") ? positional : `${positional}.0`;
}

function shortest(single: number): string {
  for (let precision = 0; precision < 8; precision++) {
    const text = single.toExponential(precision);
    if (Math.fround(Number(text)) === single) return text;
  }
  return single.toExponential(8);
}
