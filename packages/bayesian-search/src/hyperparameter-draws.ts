import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { LogHyperparameters, ValueAndGradient } from './marginal-likelihood';
import { normalNumber, streams } from './random';

/** One of a few hyper-parameters that stand for all that the runs allow. */
export interface Draw {
  readonly logarithms: LogHyperparameters;
  /** Of all draws 1 together. */
  readonly weight: number;
}

const DRAWS = 24;
/** Of a difference of gradients, in logarithms. */
const STEP = 1e-3;
/** A direction of which the density says less than this is taken to be as wide as that. */
const SMALLEST_CURVATURE = 0.1;

/**
 * Hyper-parameters in proportion to their density: drawn from the normal distribution that touches it at its top (Laplace's
 * approximation) and weighted by how the density differs from that.
 *
 * @param objective log density and gradient
 * @param top where it is largest
 * @param seed of the draws
 */
export function drawHyperparameters(
  objective: (at: LogHyperparameters) => ValueAndGradient,
  top: LogHyperparameters,
  seed: number,
): Draw[] {
  const moved = (index: number, by: number) =>
    objective(top.map((value, other) => (other === index ? value + by : value))).gradient;
  const rows = top.map((_, index) => {
    const [after, before] = [moved(index, STEP), moved(index, -STEP)];
    return after.map((slope, other) => (before[other]! - slope) / (2 * STEP));
  });
  const symmetric = rows.map((row, a) => row.map((value, b) => (value + rows[b]![a]!) / 2));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(symmetric));
  const widths = realEigenvalues.map((value) => 1 / Math.sqrt(Math.max(SMALLEST_CURVATURE, value)));

  const draws = Array.from({ length: DRAWS }, (_, draw) => {
    const normals = top.map((_, direction) => normalNumber(seed, streams.draws, draw, direction));
    const away = Matrix.columnVector(normals.map((normal, index) => normal * widths[index]!));
    const logarithms = eigenvectorMatrix.mmul(away).to1DArray().map((value, index) => value + top[index]!); // prettier-ignore
    const proposal = -0.5 * normals.reduce((sum, normal) => sum + normal ** 2, 0);
    return { logarithms, logWeight: objective(logarithms).value - proposal };
  });
  const largest = draws.reduce((most, { logWeight }) => Math.max(most, logWeight), -Infinity);
  const weights = draws.map(({ logWeight }) => Math.exp(logWeight - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return draws.map(({ logarithms }, index) => ({ logarithms, weight: weights[index]! / total }));
}
