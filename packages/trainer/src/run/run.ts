/**
 * A run: everything that its iterations need, from the first to the last.
 *
 * Only `api` and `command-line` may import this folder.
 */
import type { DenoiseStep } from '@loop-diffusion/diffusion-mdp';
import type { Combination } from '@loop-diffusion/rewards';
import type * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import type { AdvantageEstimator, Objective } from '../learning/algorithm';
import type { Optimizer } from '../learning/optimizer';
import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { Policy } from '../policy/policy';
import type { EncodedText } from '../policy/text-condition';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { PictureScreen } from '../scoring/picture-screen';
import type { WeightedReward } from '../scoring/rewards';
import type { Origin } from './origin';

export interface Run {
  readonly config: TrainConfig;
  /** The folder of checkpoints and of what is trained; undefined for a run that leaves no files. */
  readonly output: string | undefined;
  /** What its numbers come from. */
  readonly origin: Origin;
  /** What computes. */
  readonly backend: { readonly name: string; readonly version: string };

  readonly prompts: readonly TaggedPrompt[];
  /** Of evaluations and sample grids. */
  readonly heldOut: readonly TaggedPrompt[];
  /** Whether none of {@link heldOut} is trained on. */
  readonly areHeldOut: boolean;

  /** Prompts that the model reads the beginning of only. */
  readonly cutOff: CutOffPrompts | undefined;

  /** The policy that learns. */
  readonly policy: Policy;
  /** The model as it was, which {@link releaseBase} may free. */
  readonly base: Policy;
  /** The empty prompt of guidance, one row. */
  readonly empty: EncodedText;
  /** The denoise steps of a rollout, in their order. */
  readonly plan: readonly DenoiseStep[];

  readonly rewards: readonly WeightedReward[];
  readonly combination: Combination;
  /** What pictures pass before they are written. */
  readonly screen: PictureScreen;

  readonly advantages: AdvantageEstimator;
  readonly objective: Objective;
  /** Indices of the denoise steps that are trained: those in the configured range that have randomness. */
  readonly trainedSteps: readonly number[];
  /** The trained weights, in the order of their file. */
  readonly variables: readonly tf.Variable[];
  readonly optimizer: Optimizer;

  /**
   * To be called when the base has been evaluated: where all weights are trained, frees those that they began with, unless
   * the objective compares with them.
   */
  releaseBase(): void;
  /** Frees everything, the model included. */
  dispose(): void;
}
