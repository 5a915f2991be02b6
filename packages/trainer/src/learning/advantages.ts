/** What an iteration's rewards tell of each of its images. */
import type { Objective } from '../methods/method';
import { presentIn } from '../statistics';
import { UserError } from '../user-error';

export interface AdvantageEstimator {
  /** Whether a reward is only compared with those of the same prompt and iteration: sums that lack the same term will do. */
  readonly withinPrompts: boolean;
  /**
   * Rewards in, one row of k per prompt (NaN where there is none); out comes what each counts, NaN where it is not learnt from.
   *
   * @throws Error when they come out in another shape; what the method throws
   */
  estimate(prompts: readonly string[], rewards: readonly (readonly number[])[]): number[][];
  /** What it remembers of earlier iterations; null where they do not matter. */
  state(): unknown;
  /** Forgets what it remembers for this. @throws Error when it is no such state */
  restore(state: unknown): void;
}

/** @param clip advantages are clamped to ± this */
export function createAdvantageEstimator(
  { advantages, withinPrompts }: Pick<Objective, 'advantages' | 'withinPrompts'>,
  clip: number,
): AdvantageEstimator {
  const estimator =
    typeof advantages === 'function'
      ? { estimate: advantages, state: () => null, restore: () => undefined }
      : advantages;
  return {
    withinPrompts,
    estimate(prompts, rewards) {
      const mask = presentIn(rewards);
      const estimated = estimator.estimate({ prompts, rewards, mask });
      checkShape(estimated, rewards);
      checkFinite(estimated);
      return estimated.map((row, prompt) =>
        row.map((advantage, sample) =>
          mask[prompt]?.[sample] === true ? Math.min(Math.max(advantage, -clip), clip) : Number.NaN,
        ),
      );
    },
    state: () => estimator.state(),
    restore: (state) => {
      if (state !== null) estimator.restore(state);
    },
  };
}

/** NaN is for an image that is not learnt from. @throws UserError */
function checkFinite(advantages: readonly (readonly number[])[]): void {
  const infinite = advantages.flat().find((advantage) => Math.abs(advantage) === Infinity);
  if (infinite === undefined) return;
  throw new UserError(
    `A method's advantages must be finite, or NaN for an image that is not learnt from, not ${String(infinite)}`,
  );
}

/** @throws Error that says what was expected */
function checkShape(advantages: unknown, rewards: readonly (readonly number[])[]): void {
  const isRow = (row: unknown, like: readonly number[] | undefined): boolean =>
    Array.isArray(row) &&
    row.length === like?.length &&
    row.every((advantage) => typeof advantage === 'number');
  const fits =
    Array.isArray(advantages) &&
    advantages.length === rewards.length &&
    advantages.every((row, prompt) => isRow(row, rewards[prompt]));
  if (fits) return;
  throw new UserError(
    `A method's advantages must be numbers in the shape of the rewards, ${String(rewards.length)} rows of ${String(rewards[0]?.length ?? 0)}, at once and not as a promise`,
  );
}
