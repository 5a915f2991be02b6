/** Counted from the first value, so that equal values have exactly that mean; NaN for none. */
export function mean(values: readonly number[]): number {
  const first = values[0] ?? NaN;
  return first + values.reduce((total, value) => total + (value - first), 0) / values.length;
}

/** Two passes, so that large offsets do not swallow a small spread. */
export function populationVariance(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
}

export function populationStd(values: readonly number[]): number {
  return Math.sqrt(populationVariance(values));
}

/** With n − 1 in the denominator; n ≥ 2. */
export function unbiasedStd(values: readonly number[]): number {
  return Math.sqrt((populationVariance(values) * values.length) / (values.length - 1));
}
