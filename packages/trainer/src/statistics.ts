/** Means and their uncertainty. */

export interface MeanWithError {
  mean: number;
  standardError: number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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

/** Mean of after − before over the same images, with the standard error of the paired differences. */
export function pairedGain(before: readonly number[], after: readonly number[]): MeanWithError {
  if (before.length !== after.length) {
    throw new Error(
      `A paired gain needs the same images before and after, not ${before.length} and ${after.length}.`,
    );
  }
  return meanWithError(after.map((value, index) => value - (before[index] ?? Number.NaN)));
}
