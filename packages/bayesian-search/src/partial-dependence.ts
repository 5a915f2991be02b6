import { averagesOf } from './averages';
import type { Axis, Setting } from './axis';
import type { Point } from './latin-hypercube';
import type { Model } from './model';
import type { Cube } from './space';

/** The points over which the partial dependence of one key is taken. */
export interface Lines {
  /** On the key's axis, per grid point. */
  readonly coordinates: readonly number[];
  /** `[grid, points]`: what the other keys are set to, the same ones at every grid point. */
  readonly points: readonly (readonly Point[])[];
}

/**
 * Partial dependence (Friedman 2001) of a key S: f_S(x_S) = (1/n) Σ_i f(x_S, x_C^i).
 *
 * @param axis of the key
 * @param others x^i, of which what stands on that axis does not matter
 */
export function linesOf(cube: Cube, axis: number, others: readonly Point[], grid: number): Lines {
  const coordinates = cube.axes[axis]!.grid(grid);
  // Of a space of one key all would be the same.
  const distinct = cube.axes.length === 1 ? others.slice(0, 1) : others;
  return {
    coordinates,
    points: coordinates.map((coordinate) => distinct.map((point) => point.with(axis, coordinate))),
  };
}

export interface CurvePoint {
  readonly value: Setting;
  /** The gain at this value, averaged over the other keys. */
  readonly mean: number;
  readonly standardDeviation: number;
  /** 95 % of the belief, at this place alone: mean ± 1.96 standard deviations. */
  readonly low: number;
  readonly high: number;
}

/** Φ⁻¹(0.975) */
const NORMAL_95 = 1.959963984540054;

/** The curve of a key, from all hyper-parameters that the runs allow: given the best ones alone, its band is too narrow. */
export function curveOf(
  { alternatives, toGain }: Model,
  axis: Axis,
  { coordinates, points }: Lines,
): CurvePoint[] {
  const { means, variances } = mixtureOf(
    alternatives().map(({ posterior, weight }) => ({ ...averagesOf(posterior, points), weight })),
  );
  return coordinates.map((coordinate, index) => {
    const gain = toGain({ mean: means[index]!, variance: variances[index]! });
    return {
      value: axis.toValue(coordinate),
      ...gain,
      low: gain.mean - NORMAL_95 * gain.standardDeviation,
      high: gain.mean + NORMAL_95 * gain.standardDeviation,
    };
  });
}

/** Mean and variance of a mixture: the mean variance and the variance of the means. */
function mixtureOf(
  parts: readonly { means: Float64Array; variances: Float64Array; weight: number }[],
) {
  const places = parts[0]!.means;
  const means = places.map((_, at) => sumOf(parts, ({ means, weight }) => weight * means[at]!));
  const variances = places.map((_, at) =>
    sumOf(
      parts,
      (part) => part.weight * (part.variances[at]! + (part.means[at]! - means[at]!) ** 2),
    ),
  );
  return { means, variances };
}

function sumOf<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((sum, part) => sum + of(part), 0);
}
