/** The denoise steps of an iteration's rollout, and which of them it learns from. */
import {
  planDenoiseSteps,
  type DenoiseStep,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';

import type { TrainConfig } from '../configuration/schema';
import type { Objective } from '../methods/method';
import { UserError } from '../user-error';
import { noiseWindow } from './noise-window';
import { chooseTrainedSteps } from './trained-steps';

export interface IterationSteps {
  /** @param iteration counted from 0 */
  at(iteration: number): {
    /** Of the rollout, in their order. */
    readonly plan: readonly DenoiseStep[];
    /** Indices of those that are trained: all have randomness. */
    readonly trained: readonly number[];
  };
}

/**
 * @throws UserError where a method that learns from the steps' randomness finds none in those that are trained
 */
export function createIterationSteps(
  schedule: NoiseSchedule,
  { sampler, algorithm, seed }: Pick<TrainConfig, 'sampler' | 'algorithm' | 'seed'>,
  { learnsFrom }: Pick<Objective, 'learnsFrom'>,
): IterationSteps {
  const plan = planDenoiseSteps(schedule, sampler);
  const trainable = learnsFrom === 'images' ? [] : stepsToTrain(plan, algorithm.timesteps);
  const { count } = algorithm.timesteps;
  const { window, steps, eta } = sampler;
  if (window === null) {
    return {
      at: (iteration) => ({ plan, trained: chooseTrainedSteps(trainable, count, seed, iteration) }),
    };
  }
  const candidates = learnsFrom === 'images' ? plan.map(({ index }) => index) : trainable;
  return {
    at(iteration) {
      const inside = noiseWindow(window, candidates, seed, iteration);
      const etas = plan.map(({ index }) => (inside.includes(index) ? eta : 0));
      return {
        plan: planDenoiseSteps(schedule, { steps, eta: etas }),
        // A step without randomness has no density.
        trained: chooseTrainedSteps(learnsFrom === 'images' ? [] : inside, count, seed, iteration),
      };
    },
  };
}

/** The denoise steps of the configured range that have randomness. */
function stepsToTrain(
  plan: readonly DenoiseStep[],
  { from, to }: TrainConfig['algorithm']['timesteps'],
): number[] {
  const steps = plan.slice(from, to).filter(({ sigma }) => sigma > 0);
  if (steps.length > 0) return steps.map(({ index }) => index);
  const random = plan.filter(({ sigma }) => sigma > 0).map(({ index }) => index);
  const remedy =
    random.length === 0
      ? `with this model's scheduler none of the ${String(plan.length)} has; raise sampler.steps`
      : `those with randomness are ${String(random[0])} to ${String(random.at(-1))}; set algorithm.timesteps`;
  throw new UserError(
    `There is nothing to learn from: none of the denoise steps ${String(from)} to ${String(to - 1)}, which are trained, has randomness; ${remedy}`,
  );
}
