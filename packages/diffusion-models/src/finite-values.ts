/** Weights that are not numbers make images that are not either, many steps later: they are looked for where they come in and go out. */
import type { SafetensorsTensor } from '@loop-diffusion/safetensors';

/** @returns the first of the values that is NaN or infinite */
export function firstNonFinite(values: Float32Array): number | undefined {
  // A value times zero is zero, or NaN where the value is not finite; four sums, which do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += (values[i] as number) * 0;
    b += (values[i + 1] as number) * 0;
    c += (values[i + 2] as number) * 0;
    d += (values[i + 3] as number) * 0;
  }
  for (let i = whole; i < values.length; i++) a += (values[i] as number) * 0;
  return a + b + c + d === 0 ? undefined : values.find((value) => !Number.isFinite(value));
}

/** The same for a tensor of 16-bit floats, without widening it. */
export function firstNonFiniteHalf({ dtype, bytes }: SafetensorsTensor): number | undefined {
  const exponent = dtype === 'F16' ? 0x7c00 : 0x7f80;
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0 && !hasExponent(bytes, exponent)) {
    return undefined;
  }
  const fraction = 0x7fff - exponent;
  for (let i = 0; i < bytes.length; i += 2) {
    const bits = (bytes[i] as number) | ((bytes[i + 1] as number) << 8);
    if ((bits & exponent) !== exponent) continue;
    if ((bits & fraction) !== 0) return NaN;
    return bits & 0x8000 ? -Infinity : Infinity;
  }
  return undefined;
}

/** Two numbers at once: where all bits of an exponent are set, adding its lowest one carries into the sign. */
function hasExponent(bytes: Uint8Array, exponent: number): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const both = exponent | (exponent << 16);
  const lowest = exponent & -exponent;
  const one = lowest | (lowest << 16);
  let carried = 0;
  for (let i = 0; i < words.length; i++) carried |= (((words[i] as number) & both) + one) | 0;
  return (carried & SIGNS) !== 0;
}

const SIGNS = 0x8000_8000 | 0;
