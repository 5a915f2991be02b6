import { isFailure, type RewardResult } from './reward';

/** A failure, and how many images it concerned. */
export interface FailureCount {
  readonly kind: string;
  readonly message: string;
  readonly count: number;
}

/**
 * What failed most often, so that a log can say it in a line however many images failed.
 *
 * @param most how many different failures are returned, at most
 * @returns the most frequent first, and of equally frequent ones the first that occurred; a result
 * that says that the reward does not apply is no failure
 */
export function countFailures(results: readonly RewardResult[], most = 3): FailureCount[] {
  const counts = new Map<string, FailureCount>();
  for (const result of results) {
    if (result.ok || !isFailure(result)) continue;
    const { kind, message } = result;
    const key = JSON.stringify([kind, message]);
    counts.set(key, { kind, message, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count).slice(0, most);
}
