/** Ends a run that no longer learns from what it sees. */
import type { TrainConfig } from '../configuration/schema';
import type { OptimizerStepReport } from '../learning/update';
import type { Scores } from '../scoring/scores';
import { UserError } from '../user-error';

export interface Guards {
  /** @throws UserError when too many images have no reward, or one of the rewards failed on too many */
  checkScores(scores: Pick<Scores, 'total' | 'failed' | 'failureRate' | 'failures'>): void;
  /** @throws UserError when too many optimizer steps in a row were left out */
  checkSteps(steps: readonly Pick<OptimizerStepReport, 'skipped'>[]): void;
}

export function createGuards({
  skippedUpdates,
  failedRewards,
}: Pick<TrainConfig['guards'], 'skippedUpdates' | 'failedRewards'>): Guards {
  let skippedInARow = 0;
  return {
    checkScores({ total, failed, failureRate, failures }) {
      const without = Math.max(failed, Math.round(failureRate * total.length));
      if (without <= failedRewards * total.length) return;
      const what = without > failed ? 'no answer from one of the rewards' : 'no reward';
      const [most] = failures;
      const reason = most === undefined ? 'none' : `${most.reward}: ${most.message}`;
      throw new UserError(
        `${without} of ${total.length} images got ${what}, more than guards.failedRewards (${failedRewards}) allows; the most frequent failure was: ${reason}`,
      );
    },
    checkSteps(steps) {
      for (const { skipped } of steps) {
        skippedInARow = skipped ? skippedInARow + 1 : 0;
        if (skippedInARow <= skippedUpdates) continue;
        throw new UserError(
          `Loss or gradient were not finite in ${skippedInARow} optimizer steps in a row, more than guards.skippedUpdates (${skippedUpdates}) allows; lower optimizer.learningRate, or start again from a checkpoint before the trouble`,
        );
      }
    },
  };
}
