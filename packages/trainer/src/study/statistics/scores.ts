/** Statistics of a variant's rewards, `[seed][image]`, with NaN where a run or an image has none. */
import type { Resample } from './resamples';

/** `[seed][image]`, all of the same images. */
export type Scores = readonly (readonly number[])[];

/** Over whole study: every seed and image once. */
export function everything(scores: Scores): Resample {
  return {
    seeds: scores.map(() => 1),
    images: (scores[0] ?? []).map(() => 1),
  };
}

/** The mean of all that there are, each as often as it was drawn. */
export function meanOf(scores: Scores, { seeds, images }: Resample): number {
  let sum = 0;
  let count = 0;
  for (const [seed, rewards] of scores.entries()) {
    const timesSeed = seeds[seed] ?? 0;
    if (timesSeed === 0) continue;
    for (let image = 0; image < rewards.length; image += 1) {
      const reward = rewards[image]!;
      if (Number.isNaN(reward)) continue;
      const times = timesSeed * images[image]!;
      sum += times * reward;
      count += times;
    }
  }
  return sum / count;
}

/**
 * The mean of the middle half: a quarter of the draws is cut off at each end, rounded down (`scipy.stats.trim_mean(x, 0.25)`, the
 * IQM of arXiv 2108.13264).
 *
 * @returns a function of a resample, for the scores are sorted only once
 */
export function interquartileMean(scores: Scores): (resample: Resample) => number {
  const sorted = scores
    .flatMap((rewards, seed) => rewards.map((reward, image) => ({ reward, seed, image })))
    .filter(({ reward }) => !Number.isNaN(reward))
    .sort((left, right) => left.reward - right.reward);
  return ({ seeds, images }) => {
    const timesOf = ({ seed, image }: (typeof sorted)[number]) => seeds[seed]! * images[image]!;
    let count = 0;
    for (const draw of sorted) count += timesOf(draw);
    const cut = Math.floor(count / 4);
    let before = 0;
    let sum = 0;
    for (const draw of sorted) {
      const times = timesOf(draw);
      const inside = Math.min(before + times, count - cut) - Math.max(before, cut);
      if (inside > 0) sum += inside * draw.reward;
      before += times;
    }
    return sum / (count - 2 * cut);
  };
}

/** left − right, image by image and seed by seed; NaN where either has none. */
export function paired(
  left: Scores,
  right: Scores,
  combine: (left: number, right: number) => number,
): number[][] {
  return left.map((rewards, seed) =>
    rewards.map((reward, image) => {
      const other = right[seed]?.[image] ?? Number.NaN;
      return Number.isNaN(reward) || Number.isNaN(other) ? Number.NaN : combine(reward, other);
    }),
  );
}

export function difference(left: number, right: number): number {
  return left - right;
}

/** 1 where left is the better one, ½ where they are equal: its mean is the probability that left beats right. */
export function win(left: number, right: number): number {
  return left > right ? 1 : left === right ? 0.5 : 0;
}

/** The part of the draws with a reward above τ: a point of a performance profile. */
export function above(threshold: number): (reward: number) => number {
  return (reward) => (Number.isNaN(reward) ? reward : Number(reward > threshold));
}
