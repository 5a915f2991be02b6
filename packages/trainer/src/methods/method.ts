/**
 * What a method of learning from rewards is: what it makes of the rewards of an iteration's images, and the loss that it
 * minimises over rows.
 *
 * Only `configuration`, `learning`, `run` and `api` may import this folder.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** The rewards of an iteration, a row of k for each prompt. */
export interface GroupedRewards {
  readonly prompts: readonly string[];
  /** `[prompts, k]`, NaN where there is none. */
  readonly rewards: readonly (readonly number[])[];
  /** `[prompts, k]`, false where there is none. */
  readonly mask: readonly (readonly boolean[])[];
}

/**
 * What each image counts in the loss, `[prompts, k]`. Where it is NaN the image is as if it had not been drawn; where it is 0 it
 * counts in the loss's mean and costs no arithmetic, unless {@link Needs.zeroAdvantages} is set.
 */
export type Advantages = (given: GroupedRewards) => number[][];

/** Advantages that remember earlier iterations. */
export interface RememberedAdvantages {
  estimate: Advantages;
  /** What a checkpoint keeps: plain JSON. */
  state(): unknown;
  /** Forgets what it remembers for this. @throws Error when it is no such state */
  restore(state: unknown): void;
}

/** What an objective needs of the loop that serves it. */
export interface Needs {
  /** Whether rewards are only compared with those of the same prompt and iteration: sums that lack the same term will do. */
  readonly withinPrompts: boolean;
  /** Least samples of a prompt, at least 1; 2 when left out. */
  readonly smallestGroup?: number | undefined;
  /**
   * How far samples may be learnt from again: `clipped`, where the loss is flat beyond the clip range; `bounded`, where it is
   * bounded below however far the policy moves; `once`, where nothing holds the policy back.
   */
  readonly reuse: 'clipped' | 'bounded' | 'once';
  /** Whether samples are cut off by settings of its own, whatever `algorithm.clipRange` says; false when left out. */
  readonly ownClip?: boolean | undefined;
  /** Whether images whose advantage is 0 are learnt from, too; false when left out. */
  readonly zeroAdvantages?: boolean | undefined;
  /**
   * Whether the loss compares two images of a prompt, of which one has the advantage 1 and the other −1 (all others NaN): rows
   * then come in pairs, that of the better image first, and losses are one per pair. False when left out.
   */
  readonly pairs?: boolean | undefined;
  /** Whether the base model's answer at each row is needed; false when left out. */
  readonly base?: boolean | undefined;
  readonly advantages: Advantages | RememberedAdvantages;
}

/** What a loss may need besides its rows. */
export interface LossContext {
  /** ε, how far a ratio may leave 1; infinite for no clip. */
  readonly clipRange: number;
  /** Numbers in a latent, D. */
  readonly latentSize: number;
}

/** A loss per row, or per pair of rows where they come in pairs. */
export interface RowLosses {
  readonly loss: tf.Tensor1D;
  /** 1 for a row that counts and 0 for one that is left out of the mean; constants. All count when left out. */
  readonly counts?: tf.Tensor1D | undefined;
  /**
   * For logs, of a loss of trajectories: 1 for a row whose ratio is beyond the clip and 0 for the others; constants. When left out
   * these are the rows whose ratio of log-probabilities is beyond `clipRange`.
   */
  readonly clipped?: tf.Tensor1D | undefined;
  /** For logs: means over the rows are reported as `method/NAME`, where another loss has not taken it. One per row or per loss. */
  readonly measures?: Readonly<Record<string, tf.Tensor1D>> | undefined;
}

/** Rows of (trajectory, denoise step) pairs; `[rows]` where no other shape is given. */
export interface TrajectoryRows {
  readonly advantages: tf.Tensor1D;
  /** log p_θ(x_{t−1} | x_t, c), a mean over the latent's numbers; differentiable. */
  readonly logProb: tf.Tensor1D;
  /** The same of the policy that sampled. */
  readonly oldLogProb: tf.Tensor1D;
  /** μ_θ, `[rows, height, width, channels]`; differentiable. */
  readonly mean: tf.Tensor4D;
  /** x_{t−1} as it was drawn, the same shape. */
  readonly previousSample: tf.Tensor4D;
  /** σ > 0. */
  readonly sigma: tf.Tensor1D;
  /** The change of μ per unit of the network's output. */
  readonly outputScale: tf.Tensor1D;
  /** μ of the policy that sampled, where {@link TrajectoryObjective.oldMean} asks for it. */
  readonly oldMean?: tf.Tensor4D | undefined;
  /** The model as it was, where {@link Needs.base} asks for it. */
  readonly base?: { readonly mean: tf.Tensor4D; readonly logProb: tf.Tensor1D } | undefined;
}

/**
 * Learns from the steps of the trajectories as they were sampled.
 *
 * A loss is compiled at its first call, and known by its identity: it is a pure function of its tensors, whose values it cannot
 * read, and whatever else it uses stays as it was then.
 */
export interface TrajectoryObjective extends Needs {
  readonly learnsFrom: 'trajectories';
  readonly oldMean?: boolean | undefined;
  readonly loss: (rows: TrajectoryRows, context: LossContext) => tf.Tensor1D | RowLosses;
}

/** What a network answers at noised images. */
export interface Prediction {
  /** ε, v or x_0, as the network predicts; `[rows, height, width, channels]`. */
  readonly output: tf.Tensor4D;
  /** ℓ: the mean square of its difference from {@link DenoisingRows.target}. */
  readonly error: tf.Tensor1D;
}

/** Rows of finished images that were noised anew; `[rows]` where no other shape is given. */
export interface DenoisingRows extends Prediction {
  readonly advantages: tf.Tensor1D;
  /** x_0, `[rows, height, width, channels]`. */
  readonly original: tf.Tensor4D;
  /** x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε. */
  readonly noised: tf.Tensor4D;
  /** What the network should answer. */
  readonly target: tf.Tensor4D;
  /** √(1 − ᾱ_t). */
  readonly noiseLevel: tf.Tensor1D;
  /** x̂0 that an output at these rows amounts to. */
  readonly originalOf: (output: tf.Tensor4D) => tf.Tensor4D;
  /** The model as it was, where {@link Needs.base} asks for it. */
  readonly base?: Prediction | undefined;
  /** The weights' running average, where {@link DenoisingObjective.average} keeps one. */
  readonly average?: Prediction | undefined;
}

/** A running average of the trained weights: after each iteration a ← d a + (1 − d) θ. */
export interface AverageOfWeights {
  /** d in [0, 1], of the iteration that is done, counted from 1. */
  decay(iteration: number): number;
  /** Whether it is the average that draws the images. */
  readonly samples: boolean;
}

/** Images that join the loss beside the iteration's own, so that the policy does not narrow too soon. */
export interface ExtraSamples {
  /** Of each prompt that is learnt from. */
  readonly count: number;
  /** Drawn by the model as it was, or nothing but noise. */
  readonly from: 'base' | 'noise';
  /** What each counts, as a part of the largest advantage of its prompt; of the part of the run that is done, in [0, 1). */
  weight(done: number): number;
}

/**
 * Learns from finished images by the forward process: no trajectory is kept, and any sampler may draw. Its loss is compiled as
 * that of a {@link TrajectoryObjective} is.
 */
export interface DenoisingObjective extends Needs {
  readonly learnsFrom: 'images';
  readonly average?: AverageOfWeights | undefined;
  readonly extra?: ExtraSamples | undefined;
  readonly loss: (rows: DenoisingRows, context: LossContext) => tf.Tensor1D | RowLosses;
}

export type Objective = TrajectoryObjective | DenoisingObjective;

/** What stands around a method in a configuration, for settings that do not go together. */
export interface MethodSurroundings {
  readonly k: number;
  /** Of an iteration. */
  readonly images: number;
  readonly innerUpdates: number;
  readonly clipRange: 'auto' | 'none' | number;
  readonly advantageClip: number | null;
  readonly klInReward: number;
}

/** The settings of a method that has none. */
export type NoSettings = Readonly<Record<string, never>>;

/** A method by its name. */
export interface Method<Settings = NoSettings, Given = Settings> {
  readonly name: string;
  /** Checks `algorithm.NAME`, or `algorithm.settings` for a method of one's own; without it there are no settings. */
  readonly settings?: z.ZodType<Settings, Given> | undefined;
  /** @returns a fresh objective, for one run */
  objective(settings: Settings): Objective;
  /** @returns a sentence for each setting that does not go with another */
  problems?(settings: Settings, surroundings: MethodSurroundings): readonly string[];
  /** @returns a sentence for each setting that does nothing, or probably not what was meant */
  warnings?(settings: Settings, surroundings: MethodSurroundings): readonly string[];
}

/**
 * A method of one's own, for `algorithm.name: ./file.mjs#export`. It does nothing but tell TypeScript what is what.
 */
export function defineMethod<const Name extends string, Settings = NoSettings, Given = Settings>(
  method: Method<Settings, Given> & { readonly name: Name },
): Method<Settings, Given> & { readonly name: Name } {
  return method;
}
