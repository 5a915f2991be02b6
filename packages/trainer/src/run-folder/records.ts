/** What a run reports while it goes on and at its end. */
import type { ImageQuality } from '@loop-diffusion/rewards';

import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { MeanWithError, PairedGain } from '../statistics';

/** What a reward said that failed, and of how many images. */
export interface FailureReport {
  /** The name that the reward has in the run. */
  reward: string;
  /** Machine-readable reason, such as `exception`. */
  kind: string;
  message: string;
  count: number;
}

/** One iteration of training. Seconds are wall clock. */
export interface IterationRecord {
  /** Counted from 1. */
  iteration: number;
  reward: { mean: number; std: number; components?: Record<string, number> | undefined };
  /** One per image, prompt by prompt; NaN, which JSON writes as null, where it has no reward or lacks one of them. */
  rewards: number[];
  /** Prompts of whose images two or more have a reward, all the same, and so carry no gradient. */
  zeroVarianceGroups: number;
  /** Prompts of the iteration. */
  groups: number;
  /** How much the k images of a prompt differ: the root of their pixels' mean variance, in [0, 0.5]. */
  diversity: number;
  /** Fraction of the rewards that reach the largest value there is, in [0, 1]; left out where there is none. */
  atCeiling?: number | undefined;
  /** Means over the iteration's images, whatever they show. */
  quality?: ImageQuality | undefined;
  /** Of exp(log p − log p_old) over the pairs of the last inner update; `maxDeviation` is the largest |ratio − 1|. */
  ratio: { mean: number; std: number; maxDeviation: number };
  ratioPerTimestep: {
    timestep: number;
    mean: number;
    std: number;
    clipFraction: number;
    /** Of the ratios. */
    histogram?: Histogram | undefined;
  }[];
  /** Whether ratios beyond the clip are stopped; left out by runs of before. */
  clips?: boolean | undefined;
  /** Fraction of ratios outside 1 ± `clipRange`, or of those that the loss says are beyond its clip, in [0, 1]; 0 without a clip. */
  clipFraction: number;
  clipRange: number;
  approxKl: number;
  /** Mean divergence from the base model, where it was computed. */
  klReference?: number | undefined;
  /** The weight of that divergence in the next iteration, where it follows a target. */
  klWeight?: number | undefined;
  /** What the method measures of itself, by name, where it does: means over rows and optimizer steps. */
  measures?: Record<string, number> | undefined;
  loss: number;
  /** Before clipping. */
  gradientNorm: number;
  learningRate: number;
  seconds: { text: number; rollout: number; decode: number; reward: number; update: number };
  /** Of these, what was spent in exchanges with other workers, or waiting for them; left out by a process alone. */
  exchangeSeconds?: number | undefined;
  images: number;
  /** Passes of the UNet over one latent, where they were counted: those without a gradient, and those that one was taken of. */
  passes?: { forward: number; gradient: number } | undefined;
  /** Tensors alive at the end of the iteration. */
  tensors: number;
  memoryBytes: number;
  /** Images without a reward because one of the rewards failed. */
  failedRewards: number;
  /** Images without a reward because none applies to them. */
  notApplicable: number;
  /** Of each reward the most frequent failures, at most three. */
  failures: FailureReport[];
  /** Optimizer steps that were left out because loss or gradient were not finite. */
  skippedUpdates: number;
  /** Where rewards had collapsed: the iterations of the checkpoint whose weights the run went back to after this one. */
  backTo?: number | undefined;
  /** In a federated run: whose iteration it is. */
  client?: string | undefined;
  /** In a federated run: the round that it belongs to, counted from 1. */
  round?: number | undefined;
  /** Of the last iteration of a round: what its clients and the server sent each other in it, both ways. */
  exchangedBytes?: number | undefined;
}

/** How many values fall where, in buckets of equal width from the smallest to the largest. */
export interface Histogram {
  minimum: number;
  maximum: number;
  /** By bucket, from `minimum` to `maximum`. */
  counts: number[];
}

export interface FamilyScore extends MeanWithError {
  count: number;
}

/** Rewards of images that are drawn to measure, with one setting of the sampler. */
export interface EvaluationRecord extends MeanWithError {
  /** `before`, `after`, `iteration-25`; `choice-after-guidance-2`, `best-after`, … */
  name: string;
  /** Images that have a reward: those that the mean is of. */
  count: number;
  /** Images without a reward because one of the rewards failed, also when it was asked again. */
  failed: number;
  /** Images without a reward because none applies to them. */
  notApplicable: number;
  /** Of each reward the most frequent failures, at most three. */
  failures: FailureReport[];
  families: Record<string, FamilyScore>;
  /** One per image, where prompts have families; empty for a prompt that has none. */
  imageFamilies?: string[] | undefined;
  /** One per image, in the order of the prompts; NaN, which JSON writes as null, where it has no reward. */
  rewards: number[];
  /** Of each reward by itself, as it gave it, those that are only watched among them. */
  components?: Record<string, MeanWithError> | undefined;
  settings: { steps: number; eta: number; guidance: number };
  /** True where some of the prompts are trained on, too; left out where they are held out, or nothing was trained. */
  trainedOn?: boolean | undefined;
}

export interface RunSummary {
  /** Iterations that were done. */
  iterations: number;
  evaluation: {
    before?: EvaluationRecord | undefined;
    after?: EvaluationRecord | undefined;
    /** Of the paired differences after − before, over the images that have a reward in both. */
    gain?: PairedGain | undefined;
    /** The same at the guidance scale that is best for each, which was found on prompts of its own. */
    best?:
      | {
          before: EvaluationRecord;
          after?: EvaluationRecord | undefined;
          gain?: PairedGain | undefined;
        }
      | undefined;
  };
  /** Wall clock by phase. */
  seconds: Record<string, number>;
  versions: Record<string, string>;
  backend: string;
  /** Prompts that the model reads the beginning of only, where there are any. */
  cutOffPrompts?: CutOffPrompts | undefined;
  /** Whether the run was ended by a signal before its last iteration. */
  interrupted: boolean;
  /** Why it was ended before its last iteration by one of its sinks, where one did. */
  stopped?: string | undefined;
}
