/** Everything that training changes, and that the next iteration depends on. */
import type { PerPromptStatisticsState } from '@loop-diffusion/advantage-estimators';
import type { Combination, CombinationState } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import type { OptimizerState } from '../learning/optimizer';
import type { Run } from './run';

export interface TrainingState {
  /** One per variable of the run, in their order. */
  readonly weights: readonly tf.Tensor[];
  readonly optimizer: OptimizerState;
  readonly advantages: PerPromptStatisticsState | null;
  /** What the rewards' running scales remember. */
  readonly rewards: CombinationState;
}

type Trained = Pick<Run, 'variables' | 'optimizer' | 'advantages'> & {
  readonly combination: Pick<Combination, 'toJSON' | 'restore'>;
};

/** Holds the state as it is now. The numbers are shared, not copied; {@link releaseState} lets go of them. */
export function holdState({
  variables,
  optimizer,
  advantages,
  combination,
}: Trained): TrainingState {
  return {
    weights: variables.map((variable) => variable.clone()),
    optimizer: optimizer.state(),
    advantages: advantages.state(),
    rewards: combination.toJSON(),
  };
}

/** @throws RangeError when the state is of other variables */
export function restoreState(
  run: Trained,
  { weights, optimizer, advantages, rewards }: TrainingState,
): void {
  run.optimizer.restore(optimizer);
  for (const [index, variable] of run.variables.entries()) {
    const weight = weights[index];
    if (weight === undefined) throw new RangeError(`The state has no weight for ${variable.name}.`);
    // A variable takes the tensor's numbers over, not the tensor.
    variable.assign(weight);
  }
  run.advantages.restore(advantages);
  run.combination.restore(rewards);
}

export function releaseState({ weights, optimizer }: TrainingState): void {
  tf.dispose([...weights, ...Object.values(optimizer.tensors)]);
}

/** Runs `work`; when it fails, what it changed is changed back. */
export async function allOrNothing<Result>(
  run: Trained,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = holdState(run);
  try {
    return await work();
  } catch (error) {
    restoreState(run, before);
    throw error;
  } finally {
    releaseState(before);
  }
}
