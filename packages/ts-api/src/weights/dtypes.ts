/** Bytes of one element of each dtype that a safetensors file may name. */
export const DTYPE_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
};

/**
 * Converts little-endian elements to float32. F64 is rounded to nearest; the others are exact.
 *
 * @param bytes At the start of its own buffer, so that views of it are aligned.
 * @returns Undefined where the dtype is not a float.
 */
export function toFloat32(dtype: string, bytes: Uint8Array): Float32Array | undefined {
  const { buffer, byteLength } = bytes;
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, 0, byteLength / 4);
    case "F64":
      return new Float32Array(new Float64Array(buffer, 0, byteLength / 8));
    case "BF16":
      return convertHalves(new Uint16Array(buffer, 0, byteLength / 2), (bits) => bits << 16);
    case "F16": {
      binary16Table ??= Uint32Array.from({ length: 1 << 16 }, (_, bits) => binary16ToBinary32(bits));
      const table = binary16Table;
      return convertHalves(new Uint16Array(buffer, 0, byteLength / 2), (bits) => table[bits]!);
    }
    default:
      return undefined;
  }
}

/** What {@link binary16ToBinary32} gives for each, made when it is first needed: to look it up takes half the time. */
let binary16Table: Uint32Array | undefined;

function convertHalves(halves: Uint16Array, convert: (bits: number) => number): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = convert(halves[i]!);
  return new Float32Array(words.buffer);
}

/** IEEE 754 binary16 to binary32, bit for bit: subnormals, infinities and NaN payloads included. */
function binary16ToBinary32(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // brings the leading one to bit 10
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
