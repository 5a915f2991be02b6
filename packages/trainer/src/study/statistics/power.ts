/**
 * How many seeds and images a difference needs to be seen.
 *
 * The difference of two variants on image i with seed s is taken as d_si = δ + a_s + b_i + e_si. With n seeds and m images, the
 * variance of its mean is σ²_a/n + σ²_b/m + σ²_e/(n m); the three are estimated from a pilot by the mean squares of the two-way
 * layout with one observation a cell (Searle, Casella & McCulloch, Variance Components, 1992, chapter 4.5).
 */
import { mean } from '../../statistics';
import type { Scores } from './scores';

export interface VarianceComponents {
  /** Between seeds, σ²_a. */
  readonly seed: number;
  /** Between images, σ²_b. */
  readonly image: number;
  /** What is left, σ²_e. */
  readonly rest: number;
}

/**
 * @param differences `[seed][image]`, at least 2 × 2; images that lack one of the seeds are left out
 * @returns estimates, none below 0
 * @throws RangeError for fewer seeds or images
 */
export function varianceComponents(differences: Scores): VarianceComponents {
  const seeds = differences.length;
  const whole = (differences[0] ?? [])
    .map((_, image) => differences.map((row) => row[image] ?? Number.NaN))
    .filter((column) => !column.some(Number.isNaN));
  const images = whole.length;
  if (seeds < 2 || images < 2) {
    throw new RangeError(
      `Variance components need at least 2 seeds and 2 images that all of them have, not ${String(seeds)} and ${String(images)}`,
    );
  }
  const ofImage = whole.map((column) => mean(column));
  const ofSeed = differences.map((_, seed) => mean(whole.map((column) => column[seed]!)));
  const center = mean(ofSeed);
  const squares = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const meanSquareOfSeeds = (images * squares(ofSeed)) / (seeds - 1);
  const meanSquareOfImages = (seeds * squares(ofImage)) / (images - 1);
  const residuals = whole.flatMap((column, image) =>
    column.map((value, seed) => (value - ofImage[image]! - ofSeed[seed]! + center) ** 2),
  );
  const rest = residuals.reduce((sum, value) => sum + value, 0) / ((seeds - 1) * (images - 1));
  return {
    seed: Math.max(0, (meanSquareOfSeeds - rest) / images),
    image: Math.max(0, (meanSquareOfImages - rest) / seeds),
    rest,
  };
}

/** Of the mean difference over so many seeds and images. */
export function standardErrorOf(
  { seed, image, rest }: VarianceComponents,
  seeds: number,
  images: number,
): number {
  return Math.sqrt(seed / seeds + image / images + rest / (seeds * images));
}

/** Of the standard normal distribution: of 1 − α/2 for a two-sided test at α = .05, and of the power .8. */
const NORMAL_QUANTILES = { significance: 1.959963985, power: 0.841621234 };

/** Fewest seeds with which a test at 5 % finds a difference with a probability of 80 %; Infinity where no number of them does. */
export function seedsFor(
  difference: number,
  components: VarianceComponents,
  images: number,
): number {
  const { significance, power } = NORMAL_QUANTILES;
  const allowed = (difference / (significance + power)) ** 2 - components.image / images;
  if (allowed <= 0) return Infinity;
  return Math.max(2, Math.ceil((components.seed + components.rest / images) / allowed));
}
