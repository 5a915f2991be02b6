/** Means and their uncertainty. */

export interface MeanWithError {
  mean: number;
  standardError: number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Those that are numbers: NaN stands for a value that there is none of. */
export function withoutMissing(values: readonly number[]): number[] {
  return values.filter((value) => !Number.isNaN(value));
}

/** `[rows, columns]`, true where a value is a number. */
export function presentIn(rows: readonly (readonly number[])[]): boolean[][] {
  return rows.map((row) => row.map((value) => !Number.isNaN(value)));
}

/** Population standard deviation. */
export function standardDeviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}

/** Mean and its standard error s/√n, with the unbiased sample variance s²; the error is NaN for a single value. */
export function meanWithError(values: readonly number[]): MeanWithError {
  const count = values.length;
  const variance = (standardDeviation(values) ** 2 * count) / (count - 1);
  return { mean: mean(values), standardError: Math.sqrt(variance / count) };
}

export interface PairedGain extends MeanWithError {
  /** Images that have a value on both sides. */
  count: number;
}

/**
 * Mean of after − before over the images that have both, with the standard error of the paired differences.
 *
 * @param before one per image, NaN where there is none
 * @param after of the same images
 * @throws Error for lists of different length, which are of other images
 */
export function pairedGain(before: readonly number[], after: readonly number[]): PairedGain {
  if (before.length !== after.length) {
    throw new Error(
      `A paired gain needs the same images before and after, not ${before.length} and ${after.length}.`,
    );
  }
  const differences = withoutMissing(
    after.map((value, index) => value - (before[index] ?? Number.NaN)),
  );
  return { ...meanWithError(differences), count: differences.length };
}
