/** Bit patterns between float32 and the two 16-bit formats, for whole arrays at once. */

let float32OfFloat16: Float32Array | undefined;

/** IEEE 754 binary16 to float32, exact. */
export function widenFloat16(halves: Uint16Array): Float32Array {
  // A table of all 65 536 values costs a millisecond once and makes large files three times as fast.
  float32OfFloat16 ??= float16Table();
  const values = new Float32Array(halves.length);
  const table = float32OfFloat16;
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i] as number] as number;
  return values;
}

/** bfloat16 to float32, exact: its bits are float32's upper half. */
export function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = ((halves[i] ?? 0) << 16) >>> 0;
  return new Float32Array(bits.buffer);
}

/** Float32 to binary16, to the nearest, ties to even; beyond 65 504 to infinity, as NumPy does. */
export function narrowToFloat16(values: Float32Array): Uint16Array {
  // A copy also makes the bits readable when `values` is a view that starts off a multiple of 4.
  const bits = new Uint32Array(new Float32Array(values).buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = float16Bits(bits[i] ?? 0);
  return halves;
}

function float16Table(): Float32Array {
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < table.length; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

function float16Bits(float32: number): number {
  const sign = (float32 >>> 16) & 0x8000;
  const magnitude = float32 & 0x7fffffff;
  if (magnitude >= 0x7f800000) {
    // Infinity stays; a NaN stays one: its payload's upper bits, or a quiet bit where those are zero.
    const payload = (magnitude >>> 13) & 0x3ff;
    return sign | 0x7c00 | (magnitude === 0x7f800000 ? 0 : payload || 0x200);
  }
  // Half way between 65 504 and the value that would come next rounds up, to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // A normal number: move the exponent's bias from 127 to 15, then round off 13 bits.
    return sign | roundOff(magnitude - (112 << 23), 13);
  }
  // Below half of 2^-24 everything is zero; shifts of 32 and more would wrap around.
  if (magnitude < 0x33000000) return sign;
  const exponent = magnitude >>> 23;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  return sign | roundOff(significand, 126 - exponent);
}

/** `value / 2^bits` to the nearest integer, ties to even. */
function roundOff(value: number, bits: number): number {
  const quotient = value >>> bits;
  const rest = value & ((1 << bits) - 1);
  const half = 1 << (bits - 1);
  return rest > half || (rest === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}
