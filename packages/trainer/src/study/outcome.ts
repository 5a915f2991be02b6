/** What a run of a study came to. */
import type { RecordedRun } from '../comparison/read-run';
import { movingMean } from '../comparison/moving-mean';
import { SMOOTHED_ITERATIONS } from '../comparison/compare-runs';
import type { EvaluationRecord } from '../run-folder/records';
import { pointsOf } from '../run-folder/run-history';
import type { FinishedRun } from './run-study';

/** What was spent until an evaluation, of training alone. */
export interface Spent {
  readonly iterations: number;
  readonly images: number;
  /** Passes of the UNet over one latent, in training: a gradient counts as three. */
  readonly passes: number;
  readonly seconds: number;
}

export interface Evaluated extends Spent {
  readonly record: EvaluationRecord;
}

export interface Outcome {
  readonly variant: string;
  readonly seed: number;
  readonly folder: string;
  readonly total: Spent;
  /** Those of the run itself, in their order: the first is before any training. */
  readonly evaluations: readonly Evaluated[];
  /** The mean reward of training, over ten iterations, and the images until then. */
  readonly training: readonly { readonly images: number; readonly reward: number }[];
}

export function outcomeOf({ run, recorded }: FinishedRun): Outcome {
  const spent = spentBy(recorded);
  return {
    variant: run.variant,
    seed: run.seed,
    folder: run.folder,
    total: spent.at(-1) ?? NOTHING,
    evaluations: pointsOf(recorded.history).map(({ iteration, record }) => ({
      ...(spent[iteration] ?? NOTHING),
      record,
    })),
    training: trainingOf(recorded, spent),
  };
}

const NOTHING: Spent = { iterations: 0, images: 0, passes: 0, seconds: 0 };

/** After 0, 1, 2, … iterations. */
function spentBy({ history }: RecordedRun): Spent[] {
  const all = [NOTHING];
  for (const { images, seconds, passes } of history.iterations) {
    const { iterations, ...before } = all.at(-1) ?? NOTHING;
    all.push({
      iterations: iterations + 1,
      images: before.images + images,
      passes:
        before.passes + (passes === undefined ? Number.NaN : passes.forward + 3 * passes.gradient),
      seconds: before.seconds + Object.values(seconds).reduce((sum, phase) => sum + phase, 0),
    });
  }
  return all;
}

function trainingOf({ history }: RecordedRun, spent: readonly Spent[]): Outcome['training'] {
  const means = history.iterations.map(({ reward }) => reward.mean);
  return movingMean(means, SMOOTHED_ITERATIONS).map((reward, index) => ({
    reward,
    images: spent[index + 1]?.images ?? 0,
  }));
}
