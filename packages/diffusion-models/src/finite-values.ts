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
  const [exponent, fraction] = dtype === 'F16' ? [0x7c, 0x3ff] : [0x7f80 >> 8, 0x7f];
  for (let i = 1; i < bytes.length; i += 2) {
    const high = bytes[i] as number;
    if ((high & exponent) !== exponent) continue;
    const bits = (high << 8) | (bytes[i - 1] as number);
    if (dtype === 'BF16' && (bits & 0x80) === 0) continue;
    if ((bits & fraction) !== 0) return NaN;
    return bits & 0x8000 ? -Infinity : Infinity;
  }
  return undefined;
}
