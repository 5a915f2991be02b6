/**
 * Resamples of a study's seeds and prompts: the stratified bootstrap of Agarwal et al. (arXiv 2108.13264), in which runs are the
 * draws, crossed with the prompts that all runs are evaluated on.
 */
import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { STREAMS } from '../../noise-streams';

/** How often each seed and each image is in a resample: whole numbers that sum to how many there are. */
export interface Resample {
  readonly seeds: readonly number[];
  readonly images: readonly number[];
}

/**
 * Seeds are drawn with replacement, and within each family as many images as it has, the same for all seeds: prompts are common to
 * the runs, and an interval that took each run's images for new ones would be too narrow.
 *
 * @param seeds how many
 * @param families of each image; images are drawn within their family
 * @param count how many resamples
 */
export function resamples(seeds: number, families: readonly string[], count: number): Resample[] {
  const strata = new Map<string, number[]>();
  for (const [image, family] of families.entries()) {
    const stratum = strata.get(family) ?? [];
    stratum.push(image);
    strata.set(family, stratum);
  }
  return Array.from({ length: count }, (_, index) => {
    const draws = counterUniform(
      { seed: 0, prompt: index, sample: 0, step: 0, stream: STREAMS.studyResamples },
      seeds + families.length,
    );
    let next = 0;
    const among = (size: number): number => Math.floor((draws[next++] ?? 0) * size);
    const ofSeeds = new Array<number>(seeds).fill(0);
    for (let draw = 0; draw < seeds; draw += 1) ofSeeds[among(seeds)]! += 1;
    const ofImages = new Array<number>(families.length).fill(0);
    for (const stratum of strata.values()) {
      for (let draw = 0; draw < stratum.length; draw += 1) {
        ofImages[stratum[among(stratum.length)]!]! += 1;
      }
    }
    return { seeds: ofSeeds, images: ofImages };
  });
}

/** The middle part of the values that a statistic takes on resamples (percentile interval); NaN where it takes none. */
export function percentileInterval(values: readonly number[], level = 0.95): Interval {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((left, right) => left - right);
  return {
    low: quantile(sorted, (1 - level) / 2),
    high: quantile(sorted, (1 + level) / 2),
  };
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Linear between the order statistics, as NumPy's default. @param sorted ascending */
function quantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
