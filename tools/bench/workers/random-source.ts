import type { RandomSource } from '@loop-diffusion/diffusion-models';

const TABLE_SIZE = 1 << 20;

/**
 * Numbers that are random enough for weights that are only timed, quickly: one table from xorshift32 (Marsaglia 2003), repeated.
 * The best generator would take minutes over a Stable Diffusion's 860 million.
 */
export function repeatingRandom(seed: number): RandomSource {
  let state = seed + 1;
  const table = Float32Array.from({ length: TABLE_SIZE }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  });
  const uniform = (count: number): Float32Array => {
    const values = new Float32Array(count);
    for (let start = 0; start < count; start += TABLE_SIZE) {
      values.set(table.subarray(0, Math.min(TABLE_SIZE, count - start)), start);
    }
    return values;
  };
  return {
    uniform,
    // Mean 0 and variance 1, which is all that a time depends on.
    normal: (count) => uniform(count).map((value) => (value - 0.5) * Math.sqrt(12)),
  };
}
