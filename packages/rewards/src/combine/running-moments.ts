/** Mean and spread of everything seen so far, which is never kept itself. */

/** What a checkpoint keeps. */
export interface RunningMomentsState {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared deviations from the mean. */
  readonly squares: number;
}

export interface RunningMoments {
  /** Takes these in. */
  add(values: readonly number[]): void;
  /** (value − mean) / (population standard deviation + 1e-6); 0 as long as all values were alike. */
  standardise(value: number): number;
  toJSON(): RunningMomentsState;
}

/** As in ddpo-pytorch's per-prompt statistics. */
const EPSILON = 1e-6;

/**
 * Welford's update (1962), in float64: exact to rounding however long it runs.
 *
 * @param state from `toJSON` of the one to go on with
 * @throws RangeError when the state is no such numbers
 */
export function createRunningMoments(
  state: RunningMomentsState = { count: 0, mean: 0, squares: 0 },
): RunningMoments {
  let { count, mean, squares } = state;
  if (!(Number.isSafeInteger(count) && count >= 0 && Number.isFinite(mean) && squares >= 0)) {
    throw new RangeError(
      `The state of running moments must be a count, a mean and a sum of squares, got ${JSON.stringify(state)}.`,
    );
  }
  return {
    add(values) {
      for (const value of values) {
        count += 1;
        const before = value - mean;
        mean += before / count;
        squares += before * (value - mean);
      }
    },
    standardise: (value) => (value - mean) / (Math.sqrt(squares / Math.max(1, count)) + EPSILON),
    toJSON: () => ({ count, mean, squares }),
  };
}
