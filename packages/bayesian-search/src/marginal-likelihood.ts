import { matern52, matern52Slope, squaredDifference } from './covariance';
import type { Hyperparameters } from './covariance';
import { dot, factorOf } from './factor';
import type { Measurements } from './posterior';

/** The logarithms of hyper-parameters: one per length-scale, that of the variance, that of the extra noise. */
export type LogHyperparameters = readonly number[];

export interface ValueAndGradient {
  readonly value: number;
  /** In the logarithms. */
  readonly gradient: number[];
}

export function fromLogarithms(logarithms: LogHyperparameters): Hyperparameters {
  const values = logarithms.map(Math.exp);
  return {
    lengthScales: values.slice(0, -2),
    variance: values.at(-2)!,
    extraNoise: values.at(-1)!,
  };
}

/**
 * log p(y) = −½ yᵀK⁻¹y − ½ log det K − (n/2) log 2π with K = s² matern52 + diag(σ_i² + τ²), and its gradient
 * ½ tr((ααᵀ − K⁻¹) ∂K/∂θ), α = K⁻¹y (Rasmussen and Williams 2006, equations 5.8 and 5.9).
 *
 * @param ordered per axis, see `squaredDifference`
 * @returns a function, for which the points' distances are taken once
 */
export function marginalLikelihood(
  { points, values, noise }: Measurements,
  ordered: readonly boolean[],
): (logarithms: LogHyperparameters) => ValueAndGradient {
  const size = points.length;
  const axes = ordered.length;
  // Of the pairs below the diagonal, one after the other.
  const differences = ordered.map((isOrdered, axis) => {
    const ofAxis = points.flatMap((a, row) =>
      points.slice(0, row).map((b) => squaredDifference(a[axis]!, b[axis]!, isOrdered)),
    );
    return Float64Array.from(ofAxis);
  });
  const pairs = (size * (size - 1)) / 2;

  return (logarithms) => {
    const { lengthScales, variance, extraNoise } = fromLogarithms(logarithms);
    const precisions = lengthScales.map((length) => 1 / length ** 2);
    const squared = new Float64Array(pairs);
    for (let axis = 0; axis < axes; axis += 1) {
      const ofAxis = differences[axis]!;
      const precision = precisions[axis]!;
      for (let pair = 0; pair < pairs; pair += 1) squared[pair]! += ofAxis[pair]! * precision;
    }
    const rows = points.map(() => new Float64Array(size));
    for (let row = 0, pair = 0; row < size; row += 1) {
      rows[row]![row] = variance + noise[row]! + extraNoise;
      for (let column = 0; column < row; column += 1, pair += 1) {
        rows[row]![column] = rows[column]![row] = variance * matern52(squared[pair]!);
      }
    }
    const factor = factorOf(rows);
    const alpha = factor.solve(values);
    const inverse = factor.inverse();

    const gradient = new Array<number>(axes + 2).fill(0);
    for (let row = 0, pair = 0; row < size; row += 1) {
      const onDiagonal = 0.5 * (alpha[row]! ** 2 - inverse[row]![row]!);
      gradient[axes]! += onDiagonal * variance;
      gradient[axes + 1]! += onDiagonal * extraNoise;
      for (let column = 0; column < row; column += 1, pair += 1) {
        // Twice ½, for the pair stands in K twice.
        const weight = alpha[row]! * alpha[column]! - inverse[row]![column]!;
        gradient[axes]! += weight * rows[row]![column]!;
        const slope = weight * variance * matern52Slope(squared[pair]!);
        for (let axis = 0; axis < axes; axis += 1) {
          gradient[axis]! += slope * differences[axis]![pair]! * precisions[axis]!;
        }
      }
    }
    const value =
      -0.5 * (dot(values, alpha) + factor.logDeterminant + size * Math.log(2 * Math.PI));
    return { value, gradient };
  };
}
