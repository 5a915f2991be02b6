/** What tells the algorithms apart: the baseline that rewards are compared with, and the objective. */
import {
  createPerPromptStatistics,
  leaveOneOut,
  noBaseline,
} from '@loop-diffusion/advantage-estimators';
import { clippedSurrogate, reinforce } from '@loop-diffusion/ppo-objective';
import type * as tf from '@tensorflow/tfjs-core';

import type { AlgorithmName } from './configuration/schema';

/** Rewards in, one row of k per prompt (NaN where there is none); advantages out, 0 where nothing is to be learnt. */
export type AdvantageEstimator = (
  prompts: readonly string[],
  rewards: readonly (readonly number[])[],
) => number[][];

/** @param clip advantages are clamped to ± this */
export function createAdvantageEstimator(name: AlgorithmName, clip: number): AdvantageEstimator {
  const estimate = unclippedEstimator(name);
  return (prompts, rewards) =>
    estimate(prompts, rewards).map((row) =>
      row.map((advantage) => Math.min(Math.max(advantage, -clip), clip)),
    );
}

function unclippedEstimator(name: AlgorithmName): AdvantageEstimator {
  switch (name) {
    case 'loop':
    case 'rloo':
      return (_prompts, rewards) => leaveOneOut(rewards, validity(rewards));
    case 'ppo': {
      // As ddpo-pytorch and TRL set them.
      const statistics = createPerPromptStatistics({ bufferSize: 32, minCount: 16 });
      return (prompts, rewards) => statistics.advantages(prompts, rewards, validity(rewards));
    }
    case 'reinforce':
      return (_prompts, rewards) => noBaseline(rewards, validity(rewards));
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
  /** Weight of the divergence from the model without its adapter. */
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
