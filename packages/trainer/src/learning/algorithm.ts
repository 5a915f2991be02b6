/** What tells the algorithms apart: the baseline that rewards are compared with, and the objective. */
import {
  createPerPromptStatistics,
  leaveOneOut,
  noBaseline,
  type PerPromptStatisticsState,
} from '@loop-diffusion/advantage-estimators';
import { clippedSurrogate, reinforce } from '@loop-diffusion/ppo-objective';
import type * as tf from '@tensorflow/tfjs-core';

import type { AlgorithmName } from '../configuration/sections/algorithm';

export interface AdvantageEstimator {
  /** Whether a reward is only compared with those of the same prompt and iteration: sums that lack the same term will do. */
  readonly withinPrompts: boolean;
  /** Rewards in, one row of k per prompt (NaN where there is none); advantages out, 0 where nothing is to be learnt. */
  estimate(prompts: readonly string[], rewards: readonly (readonly number[])[]): number[][];
  /** What it remembers of earlier iterations; null where they do not matter. */
  state(): PerPromptStatisticsState | null;
  /** Forgets what it remembers for this. */
  restore(state: PerPromptStatisticsState | null): void;
}

/** @param clip advantages are clamped to ± this */
export function createAdvantageEstimator(name: AlgorithmName, clip: number): AdvantageEstimator {
  const estimator = unclippedEstimator(name);
  return {
    ...estimator,
    estimate: (prompts, rewards) =>
      estimator
        .estimate(prompts, rewards)
        .map((row) => row.map((advantage) => Math.min(Math.max(advantage, -clip), clip))),
  };
}

function unclippedEstimator(name: AlgorithmName): AdvantageEstimator {
  const nothing = { state: () => null, restore: () => undefined };
  switch (name) {
    case 'loop':
    case 'rloo':
      return {
        ...nothing,
        withinPrompts: true,
        estimate: (_prompts, rewards) => leaveOneOut(rewards, validity(rewards)),
      };
    case 'ppo': {
      // As ddpo-pytorch and TRL set them.
      const options = { bufferSize: 32, minCount: 16 };
      let statistics = createPerPromptStatistics(options);
      return {
        withinPrompts: false,
        estimate: (prompts, rewards) => statistics.advantages(prompts, rewards, validity(rewards)),
        state: () => statistics.toJSON(),
        restore: (state) => {
          statistics = createPerPromptStatistics(options, state ?? undefined);
        },
      };
    }
    case 'reinforce':
      return {
        ...nothing,
        withinPrompts: false,
        estimate: (_prompts, rewards) => noBaseline(rewards, validity(rewards)),
      };
  }
}

/** Tensors `[rows]`. */
export interface ObjectiveInputs {
  readonly logProb: tf.Tensor1D;
  readonly oldLogProb: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
}

/** What an update minimises. */
export interface Objective {
  readonly name: AlgorithmName;
  /** How far a ratio may leave 1 before its gradient stops. */
  readonly clipRange: number;
  /** Weight of the divergence from the model as it was. */
  readonly klWeight: number;
}

/** The loss of a chunk of (trajectory, denoise step) pairs, averaged over them. */
export function policyLoss(objective: Objective, inputs: ObjectiveInputs): tf.Scalar {
  switch (objective.name) {
    case 'loop':
    case 'ppo':
      return clippedSurrogate({ ...inputs, clipRange: objective.clipRange });
    case 'rloo':
    case 'reinforce':
      return reinforce(inputs);
  }
}

function validity(rewards: readonly (readonly number[])[]): boolean[][] {
  return rewards.map((row) => row.map((reward) => !Number.isNaN(reward)));
}
