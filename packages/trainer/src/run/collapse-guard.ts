/** What is done when a run's rewards collapse: nothing but a warning, its end, or a return to its best checkpoint. */
import type { TrainConfig } from '../configuration/schema';
import {
  createRewardWatch,
  WINDOW,
  type RewardLevel,
  type RewardWatchState,
} from '../report/reward-fall';
import { mean } from '../statistics';

/** What the loop is to do after an iteration. */
export interface Verdict {
  /** The checkpoint to go back to, by the iterations that it was made after. */
  readonly backTo: number | undefined;
  /** Whether the state, after going back, is to be kept as a checkpoint. */
  readonly keep: boolean;
  /** Why the run is to end. */
  readonly stop: string | undefined;
}

export interface CollapseGuard {
  /** What the learning rate is multiplied by. */
  readonly rateFactor: number;
  /** Whether the run's beginning is to be kept as a checkpoint. */
  readonly keepsBeginning: boolean;
  /** After iteration number `iteration`, counted from 1. */
  observe(iteration: number, reward: RewardLevel): Verdict;
  /** The checkpoints that it may go back to. */
  steps(): readonly number[];
  /** Null where it does nothing. */
  state(): CollapseGuardState | null;
}

/** A checkpoint and the rewards that its policy earned in the iterations after it. */
interface Point {
  readonly step: number;
  readonly rewards: readonly number[];
}

/** What a checkpoint keeps. */
export interface CollapseGuardState {
  readonly rollbacks: number;
  readonly best: { readonly step: number; readonly reward: number } | null;
  readonly candidate: Point;
  readonly watch: RewardWatchState;
}

/** Of the learning rate at each return to a checkpoint. */
const RATE_FACTOR = 0.1;

const GO_ON: Verdict = { backTo: undefined, keep: false, stop: undefined };

/**
 * A checkpoint is judged by what its policy earned after it, for the rewards before it were earned by others; one is made every
 * five iterations for this.
 *
 * @param from what a run that goes on had come to
 */
export function createCollapseGuard(
  { onCollapse, rollbacks: limit }: TrainConfig['guards'],
  from: CollapseGuardState | null = null,
): CollapseGuard {
  if (onCollapse === 'warn') {
    return {
      ...{ rateFactor: 1, keepsBeginning: false },
      ...{ observe: () => GO_ON, steps: () => [], state: () => null },
    };
  }
  const watch = createRewardWatch();
  if (from !== null) watch.restore(from.watch);
  let rollbacks = from?.rollbacks ?? 0;
  let best = from?.best ?? null;
  let candidate: Point = from?.candidate ?? { step: 0, rewards: [] };

  /** Once enough is known of the candidate the next one takes its place. */
  function judge(iteration: number, reward: number): boolean {
    // Of an iteration without a reward nothing is known.
    if (!Number.isFinite(reward)) return false;
    candidate = { ...candidate, rewards: [...candidate.rewards, reward] };
    if (candidate.rewards.length < WINDOW) return false;
    const earned = mean(candidate.rewards);
    if (best === null || earned > best.reward) best = { step: candidate.step, reward: earned };
    candidate = { step: iteration, rewards: [] };
    return true;
  }

  return {
    get rateFactor() {
      return RATE_FACTOR ** rollbacks;
    },
    keepsBeginning: from === null,
    observe(iteration, reward) {
      const fell = watch.observe(reward);
      const keep = judge(iteration, reward.mean);
      if (!fell || best === null) return { ...GO_ON, keep };
      const words = `the mean reward fell from ${(watch.best?.mean ?? best.reward).toFixed(3)} to ${(watch.last?.mean ?? reward.mean).toFixed(3)}`;
      candidate = { step: iteration, rewards: [] };
      watch.restore({ recent: [], best: watch.best ?? null });
      if (onCollapse === 'stop' || rollbacks === limit) {
        const again = rollbacks === 0 ? '' : ` again after ${String(rollbacks)} rollbacks`;
        return { backTo: best.step, keep: true, stop: `${words}${again}` };
      }
      rollbacks += 1;
      return { backTo: best.step, keep: true, stop: undefined };
    },
    steps: () => [...(best === null ? [] : [best.step]), candidate.step],
    state: () => ({ rollbacks, best, candidate, watch: watch.state() }),
  };
}
