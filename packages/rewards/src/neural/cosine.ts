/**
 * Cosine of the angle between two vectors, clamped to [−1, 1] against rounding.
 *
 * @returns NaN when one is zero or not finite
 */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  for (let index = 0; index < a.length; index++) product += a[index]! * b[index]!;
  return Math.min(1, Math.max(-1, product / (norm(a) * norm(b))));
}

/** Euclidean length. */
export function norm(vector: ArrayLike<number>): number {
  let squares = 0;
  for (let index = 0; index < vector.length; index++) squares += vector[index]! ** 2;
  return Math.sqrt(squares);
}
