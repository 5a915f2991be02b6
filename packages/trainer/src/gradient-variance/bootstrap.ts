/** Intervals by resampling prompts, the same for every figure, so that ratios have intervals too (Efron 1979). */
import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { STREAMS } from '../noise-streams';

/** A figure with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How often each prompt counts, `[prompts]`. */
export type Counts = Float64Array;

const RESAMPLES = 1000;
const TAIL = 0.025;

/** @returns of each resample how often each prompt was drawn, with replacement */
export function resamplePrompts(prompts: number, seed: number): Counts[] {
  return Array.from({ length: RESAMPLES }, (_, resample) => {
    const key = { seed, prompt: 0, sample: resample, step: 0, stream: STREAMS.bootstrap };
    const counts = new Float64Array(prompts);
    for (const uniform of counterUniform(key, prompts)) {
      counts[Math.floor(uniform * prompts)]! += 1;
    }
    return counts;
  });
}

/**
 * A figure of all prompts, and the percentiles of the same figure of the resamples.
 *
 * @param figure of prompts that count so often
 */
export function estimate(
  prompts: number,
  resamples: readonly Counts[],
  figure: (counts: Counts) => number,
): Estimate {
  const values = Float64Array.from(resamples, figure).sort();
  const at = (fraction: number): number => values[Math.round(fraction * (values.length - 1))]!;
  return {
    value: figure(new Float64Array(prompts).fill(1)),
    low: at(TAIL),
    high: at(1 - TAIL),
  };
}

/** @param values of the prompts */
export function meanOf(values: readonly number[], counts: Counts): number {
  let sum = 0;
  let total = 0;
  for (const [prompt, value] of values.entries()) {
    sum += counts[prompt]! * value;
    total += counts[prompt]!;
  }
  return sum / total;
}

/**
 * ‖E v‖² from vectors v of the prompts: the mean over pairs of different prompts, which noise within a prompt does not add to.
 *
 * @param products v_c · v_d, `[prompts, prompts]` in rows
 */
export function meanSquare(products: Float64Array, counts: Counts): number {
  let sum = 0;
  let pairs = 0;
  for (let first = 0; first < counts.length; first += 1) {
    for (let second = 0; second < first; second += 1) {
      const times = counts[first]! * counts[second]!;
      sum += times * products[first * counts.length + second]!;
      pairs += times;
    }
  }
  return sum / pairs;
}
