/** How far the policy has moved from the one that sampled, from plain arrays in float64. */

import { checkClipRange } from './clip-range';

export interface RatioDiagnostics {
  /** Rows looked at. */
  readonly count: number;
  /** Mean of ρ = exp(log p_θ − log p_old). */
  readonly ratioMean: number;
  /** Population standard deviation of ρ. */
  readonly ratioStd: number;
  /** Largest |ρ − 1|. */
  readonly ratioMaxDeviation: number;
  /** Fraction of rows with |ρ − 1| > clipRange. */
  readonly clipFraction: number;
  /** ½ mean (log p_θ − log p_old)², as DDPO reports it. */
  readonly approxKl: number;
}

/**
 * Summarises the ratios of a set of rows.
 *
 * @param logProb log p_θ, `[rows]`
 * @param oldLogProb log p_old, `[rows]`
 * @throws Error when the lengths differ, there are no rows, or a log-probability is not finite
 */
export function ratioDiagnostics(
  logProb: ArrayLike<number>,
  oldLogProb: ArrayLike<number>,
  clipRange: number,
): RatioDiagnostics {
  checkClipRange(clipRange);
  const differences = logRatios(logProb, oldLogProb);
  const count = differences.length;
  if (count === 0) throw new RangeError('Diagnostics need at least one row of log-probabilities.');
  const ratios = differences.map(Math.exp);
  const ratioMean = mean(ratios);
  return {
    count,
    ratioMean,
    ratioStd: Math.sqrt(mean(ratios.map((ratio) => (ratio - ratioMean) ** 2))),
    ratioMaxDeviation: largest(ratios.map((ratio) => Math.abs(ratio - 1))),
    clipFraction: mean(ratios.map((ratio) => (Math.abs(ratio - 1) > clipRange ? 1 : 0))),
    approxKl: mean(differences.map((difference) => difference ** 2)) / 2,
  };
}

/** Diagnostics of the rows of one timestep. */
export interface TimestepDiagnostics extends RatioDiagnostics {
  readonly timestep: number;
}

/**
 * The same for each timestep by itself, noisiest first. Steps are not alike: the last ones move their mean many σ per unit of
 * network output, so they clip first and can hide behind an overall fraction.
 *
 * @param timesteps the timestep of each row, `[rows]`
 */
export function ratioDiagnosticsByTimestep(
  timesteps: ArrayLike<number>,
  logProb: ArrayLike<number>,
  oldLogProb: ArrayLike<number>,
  clipRange: number,
): TimestepDiagnostics[] {
  if (timesteps.length !== logProb.length) {
    throw new Error(
      `timesteps [${timesteps.length}] and logProb [${logProb.length}] must have the same shape [rows].`,
    );
  }
  logRatios(logProb, oldLogProb);
  const rowsByTimestep = new Map<number, number[]>();
  for (const [row, timestep] of Array.from(timesteps).entries()) {
    const rows = rowsByTimestep.get(timestep);
    if (rows === undefined) rowsByTimestep.set(timestep, [row]);
    else rows.push(row);
  }
  const pick = (values: ArrayLike<number>, rows: readonly number[]) =>
    rows.map((row) => values[row] ?? NaN);
  return [...rowsByTimestep]
    .sort(([left], [right]) => right - left)
    .map(([timestep, rows]) => ({
      timestep,
      ...ratioDiagnostics(pick(logProb, rows), pick(oldLogProb, rows), clipRange),
    }));
}

/**
 * Checks that the ratio is one before the first update: a rollout and its first update must see the same policy (same
 * guidance, no dropout, exactly the stored x_{t−1}), or every ratio after it is wrong.
 *
 * @param tolerance largest |log ρ| to accept: 0 where rollout and update batch alike, about 1e-5 of float32 noise otherwise
 * @throws Error with the worst row when a ratio is off
 */
export function assertRatioIsOne(
  logProb: ArrayLike<number>,
  oldLogProb: ArrayLike<number>,
  tolerance = 0,
): void {
  const differences = logRatios(logProb, oldLogProb).map(Math.abs);
  const worst = largest(differences);
  if (worst > tolerance) {
    throw new Error(
      `The ratio must be 1 before the first update, but |log ratio| is ${worst.toExponential(2)} in row ` +
        `${differences.indexOf(worst)} (accepted: ${tolerance}). Rollout and update must share guidance scale, adapter, ` +
        'prompts and the stored latents.',
    );
  }
}

/** log ρ per row. */
function logRatios(logProb: ArrayLike<number>, oldLogProb: ArrayLike<number>): number[] {
  if (logProb.length !== oldLogProb.length) {
    throw new Error(
      `logProb [${logProb.length}] and oldLogProb [${oldLogProb.length}] must have the same shape [rows].`,
    );
  }
  return Array.from(logProb, (value, row) => {
    const difference = value - (oldLogProb[row] ?? NaN);
    if (!Number.isFinite(difference)) {
      throw new Error(
        `Row ${row} has log-probability ${value} now and ${oldLogProb[row] ?? NaN} when sampled; both must be finite.`,
      );
    }
    return difference;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** Not Math.max(...values), whose arguments would overflow the stack for a long run's rows. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
