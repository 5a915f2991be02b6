/** Noise that depends on what it is for, not on what was drawn before it. */

import { checkWord, fillPhilox } from './philox';

/**
 * Names one array of noise. Rollouts of other batch sizes, on other ranks or after a resume draw the same numbers for the
 * same key, and different keys never share a Philox block.
 *
 * | Philox word | holds |
 * |---|---|
 * | key 0 | `seed` mod 2³² |
 * | key 1 | bits 0–20: `seed` div 2³²; bits 21–30: `stream`; bit 31: 0 normal, 1 uniform |
 * | counter 0 | block of four numbers within the array |
 * | counter 1, 2, 3 | `step`, `sample`, `prompt` |
 */
export interface NoiseKey {
  /** 0 to 2⁵³ − 1. */
  readonly seed: number;
  /** 0 to 2³² − 1; the caller folds its iteration into this or into `seed`. */
  readonly prompt: number;
  /** Which of a prompt's samples, 0 to 2³² − 1. */
  readonly sample: number;
  /** Denoise step, 0 to 2³² − 1. */
  readonly step: number;
  /** What the numbers are for (initial latents, step noise, …), 0 to 1023; 0 when left out. */
  readonly stream?: number;
}

const NORMAL = 0;
const UNIFORM = 1;
const TWO_TO_24 = 2 ** 24;
const TWO_TO_32 = 2 ** 32;

/**
 * Independent standard normals by Box–Muller, computed in float64 and rounded once. 32-bit uniforms reach ±6.7 σ.
 *
 * @returns `[count]`
 * @throws RangeError when a part of the key is out of range
 */
export function counterNormal(key: NoiseKey, count: number): Float32Array {
  const words = counterWords(key, NORMAL, count);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 2) {
    // Half a unit above the integer: the logarithm never sees 0.
    const radius = Math.sqrt(-2 * Math.log(((words[index] ?? 0) + 0.5) / TWO_TO_32));
    const angle = (2 * Math.PI * ((words[index + 1] ?? 0) + 0.5)) / TWO_TO_32;
    values[index] = radius * Math.cos(angle);
    // Past the end when `count` is odd: a typed array drops such a write.
    values[index + 1] = radius * Math.sin(angle);
  }
  return values;
}

/**
 * Independent uniforms in [0, 1), multiples of 2⁻²⁴ so that float32 holds them exactly and never rounds up to 1.
 *
 * @returns `[count]`
 * @throws RangeError when a part of the key is out of range
 */
export function counterUniform(key: NoiseKey, count: number): Float32Array {
  const words = counterWords(key, UNIFORM, count);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    values[index] = ((words[index] ?? 0) >>> 8) / TWO_TO_24;
  }
  return values;
}

/** Philox blocks 0, 1, … of a key, whole blocks: `count` rounded up to a multiple of 4. */
function counterWords(key: NoiseKey, distribution: number, count: number): Uint32Array {
  const { seed, prompt, sample, step, stream = 0 } = key;
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(
      `The number of values must be a whole number of at least 0, got ${count}.`,
    );
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`The noise seed must be a whole number from 0 to 2^53 - 1, got ${seed}.`);
  }
  if (!Number.isInteger(stream) || stream < 0 || stream > 1023) {
    throw new RangeError(`The noise stream must be a whole number from 0 to 1023, got ${stream}.`);
  }
  checkWord("The noise key's prompt", prompt);
  checkWord("The noise key's sample", sample);
  checkWord("The noise key's step", step);
  const key0 = seed % TWO_TO_32;
  const key1 = Math.floor(seed / TWO_TO_32) | (stream << 21) | (distribution << 31);
  const words = new Uint32Array(Math.ceil(count / 4) * 4);
  fillPhilox(words, [0, step, sample, prompt], [key0, key1]);
  return words;
}
