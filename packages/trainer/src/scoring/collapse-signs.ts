/** What shows that a policy loses its variety, or that its reward has nothing left to tell apart. */
import type { Image } from '@loop-diffusion/rewards';

import type { WeightedReward } from './rewards';

/**
 * How much the images of a prompt differ: the root of the variance over its k images, averaged over pixels, channels and
 * prompts. 0 for k equal images; at most ½, when every value is 0 in one half of them and 1 in the other.
 *
 * @param images float32 in [0, 1] or uint8, all of one size, k for each prompt side by side
 */
export function groupDiversity(images: readonly Image[], k: number): number {
  let sum = 0;
  let count = 0;
  for (let first = 0; first < images.length; first += k) {
    const group = images.slice(first, first + k).map(({ data }) => data);
    const scale = group[0] instanceof Uint8Array ? 1 / 255 : 1;
    const length = group[0]?.length ?? 0;
    for (let position = 0; position < length; position += 1) {
      let total = 0;
      let squares = 0;
      for (const data of group) {
        const value = (data[position] ?? 0) * scale;
        total += value;
        squares += value * value;
      }
      // In float64, of numbers in [0, 1]: nothing is lost in the difference.
      sum += Math.max(0, squares / group.length - (total / group.length) ** 2);
    }
    count += length;
  }
  return Math.sqrt(sum / count);
}

/**
 * Fraction of the weighted sums that reach the largest one there can be, within a millionth of the range.
 *
 * @returns undefined where a reward has no largest value, or none that z-scores keep
 */
export function fractionAtCeiling(
  totals: readonly number[],
  rewards: readonly WeightedReward[],
): number | undefined {
  const ends = rewards
    .filter(({ weight }) => weight !== 0)
    .map(({ reward, weight, scale = 'none' }): [number, number] => {
      if (scale === 'running-z-score' || scale === 'group-z-score') return [-Infinity, Infinity];
      const { factor, offset } = scale === 'none' ? { factor: 1, offset: 0 } : scale;
      const [one, other] = reward.range.map((end) => weight * (factor * end + offset));
      return [Math.min(one!, other!), Math.max(one!, other!)];
    });
  const ceiling = ends.reduce((sum, [, high]) => sum + high, 0);
  const range = ceiling - ends.reduce((sum, [low]) => sum + low, 0);
  if (!Number.isFinite(range) || totals.length === 0) return undefined;
  return totals.filter((total) => total >= ceiling - 1e-6 * range).length / totals.length;
}
