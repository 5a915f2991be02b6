import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** A covariance matrix as K = LLᵀ. */
export interface Factor {
  /** What was added to the diagonal for K to have a factor; 0 where nothing was. */
  readonly jitter: number;
  /** log det K */
  readonly logDeterminant: number;
  /** L⁻¹v, whose squared length is vᵀK⁻¹v. */
  readonly half: (vector: ArrayLike<number>) => Float64Array;
  /** K⁻¹v */
  readonly solve: (vector: ArrayLike<number>) => Float64Array;
  /** K⁻¹, by rows. */
  readonly inverse: () => Float64Array[];
}

/** Of the largest entry on the diagonal; pivots below the first are made of rounding. */
const SMALLEST_PIVOT = 1e-14;
const JITTERS = [0, 1e-12, 1e-10, 1e-8, 1e-6];

/**
 * Factors a symmetric positive semi-definite matrix, with as little as it takes added to its diagonal.
 *
 * @throws RangeError when it has none with 1e-6 of its largest diagonal entry added: it is no covariance matrix
 */
export function factorOf(rows: readonly ArrayLike<number>[]): Factor {
  const size = rows.length;
  if (size === 0) return EMPTY;
  const largest = rows.reduce((most, row, index) => Math.max(most, row[index]!), 0);
  for (const relative of JITTERS) {
    const jitter = relative * largest;
    const matrix = new Matrix(rows.map((row) => Array.from(row)));
    for (let index = 0; index < size; index += 1) {
      matrix.set(index, index, matrix.get(index, index) + jitter);
    }
    const decomposition = new CholeskyDecomposition(matrix);
    if (!decomposition.isPositiveDefinite()) continue;
    const lower = decomposition.lowerTriangularMatrix.to2DArray();
    const pivots = lower.map((row, index) => row[index]!);
    if (pivots.every((pivot) => pivot ** 2 > SMALLEST_PIVOT * largest)) {
      return {
        jitter,
        logDeterminant: pivots.reduce((sum, pivot) => sum + 2 * Math.log(pivot), 0),
        half: (vector) => half(lower, vector),
        solve: (vector) =>
          Float64Array.from(
            decomposition.solve(Matrix.columnVector(Array.from(vector))).to1DArray(),
          ),
        inverse: () => inverseOf(lower),
      };
    }
  }
  throw new RangeError(
    'A covariance matrix must be symmetric and positive semi-definite, and this one is not.',
  );
}

const EMPTY: Factor = {
  jitter: 0,
  logDeterminant: 0,
  half: () => new Float64Array(0),
  solve: () => new Float64Array(0),
  inverse: () => [],
};

/** Forward substitution, which ml-matrix has within `solve` alone. */
function half(lower: readonly (readonly number[])[], vector: ArrayLike<number>): Float64Array {
  const result = new Float64Array(lower.length);
  for (let index = 0; index < lower.length; index += 1) {
    const row = lower[index]!;
    let rest = vector[index]!;
    for (let other = 0; other < index; other += 1) rest -= row[other]! * result[other]!;
    result[index] = rest / row[index]!;
  }
  return result;
}

/** L⁻ᵀL⁻¹ without what is known to be 0: a third of the arithmetic of solving for every column. */
function inverseOf(lower: readonly (readonly number[])[]): Float64Array[] {
  const size = lower.length;
  // columns[c][r]: L⁻¹ at row r and column c, 0 above the diagonal.
  const columns = lower.map((_, column) => {
    const result = new Float64Array(size);
    for (let row = column; row < size; row += 1) {
      const ofRow = lower[row]!;
      let rest = row === column ? 1 : 0;
      for (let other = column; other < row; other += 1) rest -= ofRow[other]! * result[other]!;
      result[row] = rest / ofRow[row]!;
    }
    return result;
  });
  const rows = lower.map(() => new Float64Array(size));
  for (let a = 0; a < size; a += 1) {
    for (let b = 0; b <= a; b += 1) {
      let sum = 0;
      for (let row = a; row < size; row += 1) sum += columns[a]![row]! * columns[b]![row]!;
      rows[a]![b] = rows[b]![a] = sum;
    }
  }
  return rows;
}

/** aᵀb */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += a[index]! * b[index]!;
  return sum;
}
