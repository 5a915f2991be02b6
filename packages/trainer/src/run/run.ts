/**
 * A run: everything that its iterations need, from the first to the last.
 *
 * Only `api` and `command-line` may import this folder.
 */
import type { Combination } from '@loop-diffusion/rewards';
import type * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import type { AdvantageEstimator } from '../learning/advantages';
import type { Ema } from '../learning/ema';
import type { KlTarget } from '../learning/kl-target';
import type { Optimizer } from '../learning/optimizer';
import type { SampleDropout } from '../learning/trajectory-gradient';
import type { WeightAverage } from '../learning/weight-average';
import type { LossContext, Objective } from '../methods/method';
import type { IterationSteps } from '../learning/iteration-steps';
import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { Policy } from '../policy/policy';
import type { EncodedText } from '../policy/text-condition';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { PictureScreen } from '../scoring/picture-screen';
import type { WeightedReward } from '../scoring/rewards';
import type { Workers } from '../workers/workers';
import type { Federation } from './federated/federation';
import type { Origin } from './origin';

/** A weight that stays as it is, or one that follows a target. */
export type KlWeight = Pick<KlTarget, 'weight'> & Partial<KlTarget>;

export interface Run {
  readonly config: TrainConfig;
  /** The folder of checkpoints and of what is trained; undefined for a run that leaves no files. */
  readonly output: string | undefined;
  /** What its numbers come from. */
  readonly origin: Origin;
  /** What computes. */
  readonly backend: { readonly name: string; readonly version: string };

  /** The processes that carry it out. */
  readonly workers: Workers;

  readonly prompts: readonly TaggedPrompt[];
  /** Of evaluations and sample grids. */
  readonly heldOut: readonly TaggedPrompt[];
  /** Whether none of {@link heldOut} is trained on. */
  readonly areHeldOut: boolean;

  /** Prompts that the model reads the beginning of only. */
  readonly cutOff: CutOffPrompts | undefined;

  /** The policy that learns. */
  readonly policy: Policy;
  /** What is evaluated and left as the result: {@link policy}, or the average of its weights. */
  readonly result: () => Policy;
  /** The model as it was, which {@link releaseBase} may free. */
  readonly base: Policy;
  /** The empty prompt of guidance, one row. */
  readonly empty: EncodedText;
  /** The denoise steps of each iteration's rollout, and which of them are trained. */
  readonly steps: IterationSteps;

  readonly rewards: readonly WeightedReward[];
  readonly combination: Combination;
  /** What pictures pass before they are written. */
  readonly screen: PictureScreen;

  readonly advantages: AdvantageEstimator;
  /** What the method makes of rewards, and what it minimises. */
  readonly objective: Objective;
  readonly lossContext: LossContext;
  /** ε of the clip; where there is none, what it would be. */
  readonly clipRange: number;
  /** Whether ratios beyond it are stopped. */
  readonly clips: boolean;
  readonly sampleDropout: SampleDropout | undefined;
  /** The weight of the divergence from the base model. */
  readonly klWeight: KlWeight;
  /** The trained weights, in the order of their file. */
  readonly variables: readonly tf.Variable[];
  readonly optimizer: Optimizer;
  /** The average of the trained weights that the method keeps, where it keeps one. */
  readonly average: WeightAverage | undefined;
  /** That which is the run's result, where it is asked for. */
  readonly ema: Ema | undefined;
  /** Those that train in turns, in a federated run; undefined where the run itself trains. */
  readonly federation: Federation | undefined;

  /**
   * To be called when the base has been evaluated: where all weights are trained, frees those that they began with, unless
   * the objective compares with them.
   */
  releaseBase(): void;
  /** Frees everything, the model included. */
  dispose(): void;
}
