/** The spectrum of a matrix that is known by its products alone, such as a loss's Hessian. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** A density of eigenvalues: a share at each of these values, which are in ascending order. */
export interface Spectrum {
  readonly values: readonly number[];
  /** Not negative; their sum is 1. */
  readonly shares: readonly number[];
}

export interface LanczosOptions {
  /** Where it begins, of the matrix's size and not 0 everywhere; a random direction shows all eigenvalues. */
  readonly start: ArrayLike<number>;
  /** Products that are taken at most; 50 as in FedPepTAO's code. */
  readonly steps?: number | undefined;
}

/** Of the matrix's own scale; below this a direction is made of rounding. */
const NOTHING_NEW = 1e-10;

/**
 * Lanczos' tridiagonal matrix T, of which the eigenvalues θ_j and the squared first components of its eigenvectors are the
 * density's values and shares (Gauss quadrature of the start's own density). Each direction is made orthogonal to all before it.
 *
 * @param multiply the product with a symmetric matrix; what it is given is not to be changed
 * @throws RangeError when the start has no direction, or a product is not finite
 */
export async function lanczosSpectrum(
  multiply: (vector: Float64Array) => ArrayLike<number> | Promise<ArrayLike<number>>,
  { start, steps = 50 }: LanczosOptions,
): Promise<Spectrum> {
  const directions: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  let next = Float64Array.from(start);
  let length = norm(next);
  if (!(length > 0 && length < Infinity)) {
    throw new RangeError(`The start has no direction: its length is ${length}.`);
  }
  let scale = 0;
  while (diagonal.length < Math.min(steps, next.length)) {
    const direction = next.map((value) => value / length);
    directions.push(direction);
    next = Float64Array.from(await multiply(direction));
    scale = Math.max(scale, norm(next));
    if (!Number.isFinite(scale)) throw new RangeError('A product with the matrix is not finite.');
    diagonal.push(product(next, direction));
    // Twice, for once leaves what rounding has brought.
    for (const known of [...directions, ...directions]) subtract(next, known, product(next, known));
    length = norm(next);
    if (length <= NOTHING_NEW * scale) break;
    beside.push(length);
  }
  const size = diagonal.length;
  const tridiagonal = Matrix.zeros(size, size);
  for (const [index, value] of diagonal.entries()) tridiagonal.set(index, index, value);
  for (const [index, value] of beside.slice(0, size - 1).entries()) {
    tridiagonal.set(index, index + 1, value);
    tridiagonal.set(index + 1, index, value);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(tridiagonal, {
    assumeSymmetric: true,
  });
  const pairs = realEigenvalues
    .map((value, index) => ({ value, share: eigenvectorMatrix.get(0, index) ** 2 }))
    .sort((one, other) => one.value - other.value);
  return { values: pairs.map(({ value }) => value), shares: pairs.map(({ share }) => share) };
}

function product(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += one[index]! * other[index]!;
  return sum;
}

function norm(vector: Float64Array): number {
  return Math.sqrt(product(vector, vector));
}

function subtract(vector: Float64Array, direction: Float64Array, factor: number): void {
  for (let index = 0; index < vector.length; index += 1)
    vector[index]! -= factor * direction[index]!;
}
