/** Everything that training changes, and that the next iteration depends on. */
import type { Combination, CombinationState } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import type { OptimizerState } from '../learning/optimizer';
import type { Run } from './run';

export interface TrainingState {
  /** One per variable of the run, in their order. */
  readonly weights: readonly tf.Tensor[];
  readonly optimizer: OptimizerState;
  /** Plain JSON. */
  readonly advantages: unknown;
  /** What the rewards' running scales remember. */
  readonly rewards: CombinationState;
  /** Of the trained weights: the method's own, and that which is the run's result, where there are such. */
  readonly averages: {
    readonly method?: readonly tf.Tensor[];
    readonly ema?: readonly tf.Tensor[];
  };
  /** That the result's average has had. */
  readonly emaUpdates: number;
  /** Of the divergence from the base model, where it follows a target. */
  readonly klWeight: number | null;
}

type Trained = Pick<
  Run,
  'variables' | 'optimizer' | 'advantages' | 'average' | 'ema' | 'klWeight'
> & {
  readonly combination: Pick<Combination, 'toJSON' | 'restore'>;
};

/** Holds the state as it is now. The numbers are shared, not copied; {@link releaseState} lets go of them. */
export function holdState(run: Trained): TrainingState {
  const { variables, optimizer, advantages, combination, average, ema, klWeight } = run;
  const ofEma = ema?.state();
  return {
    weights: variables.map((variable) => variable.clone()),
    optimizer: optimizer.state(),
    advantages: advantages.state(),
    rewards: combination.toJSON(),
    averages: {
      ...(average && { method: average.state() }),
      ...(ofEma && { ema: ofEma.weights }),
    },
    emaUpdates: ofEma?.updates ?? 0,
    klWeight: klWeight.state?.() ?? null,
  };
}

/** @throws RangeError when the state is of other variables or another optimizer, or lacks an average that the run keeps */
export function restoreState(run: Trained, state: TrainingState): void {
  const { weights, optimizer, advantages, rewards, averages, emaUpdates, klWeight } = state;
  const ofMethod = run.average && present(averages.method, "the method's average");
  const ofEma = run.ema && present(averages.ema, 'the average');
  run.optimizer.restore(optimizer);
  for (const [index, variable] of run.variables.entries()) {
    const weight = weights[index];
    if (weight === undefined) throw new RangeError(`The state has no weight for ${variable.name}.`);
    // A variable takes the tensor's numbers over, not the tensor.
    variable.assign(weight);
  }
  run.advantages.restore(advantages);
  run.combination.restore(rewards);
  if (ofMethod !== undefined) run.average?.restore(ofMethod);
  if (ofEma !== undefined) run.ema?.restore({ updates: emaUpdates, weights: ofEma });
  if (klWeight !== null) run.klWeight.restore?.(klWeight);
}

function present(average: readonly tf.Tensor[] | undefined, what: string): readonly tf.Tensor[] {
  if (average !== undefined) return average;
  throw new RangeError(`The state has not ${what} of the weights, which the run keeps.`);
}

export function releaseState({ weights, optimizer, averages }: TrainingState): void {
  tf.dispose([...weights, ...Object.values(optimizer.tensors), ...Object.values(averages).flat()]);
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
