/** What an iteration was like, from what its phases returned. */
import { ratioDiagnostics } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { PreparedRun } from './prepare-run';
import type { Scores } from './rewards';
import type { IterationRecord } from './run-folder/records';
import { mean, standardDeviation } from './statistics';
import type { OptimizerStepReport } from './update';

export interface IterationFacts {
  /** Counted from 0. */
  readonly iteration: number;
  readonly scores: Scores;
  /** `[prompts, k]`, NaN where a reward failed. */
  readonly rewards: readonly (readonly number[])[];
  readonly steps: readonly OptimizerStepReport[];
  readonly learningRate: number;
  readonly seconds: Record<string, number>;
}

export function reportIteration(run: PreparedRun, facts: IterationFacts): IterationRecord {
  const { scores, steps, seconds } = facts;
  const { clipRange } = run.objective;
  const valid = scores.total.filter((reward) => !Number.isNaN(reward));
  // Only after the first optimizer step can a ratio leave 1.
  const pairs = steps.at(-1)?.pairs ?? [];
  const ratios = diagnose(pairs, clipRange);
  const kls = steps.map((step) => step.klReference).filter((kl) => kl !== undefined);
  return {
    iteration: facts.iteration + 1,
    reward: {
      mean: mean(valid),
      std: standardDeviation(valid),
      components: scores.components,
    },
    zeroVarianceGroups: facts.rewards.filter((row) => new Set(row).size === 1).length,
    ratio: {
      mean: ratios.ratioMean,
      std: ratios.ratioStd,
      maxDeviation: ratios.maxDeviation,
    },
    ratioPerTimestep: run.trainedSteps.map((step) => {
      const { ratioMean, ratioStd, clipFraction } = diagnose(
        pairs.filter((pair) => pair.step === step),
        clipRange,
      );
      const timestep = run.plan[step]?.timestep ?? Number.NaN;
      return { timestep, mean: ratioMean, std: ratioStd, clipFraction };
    }),
    clipFraction: ratios.clipFraction,
    clipRange,
    approxKl: ratios.approxKl,
    klReference: kls.length > 0 ? mean(kls) : undefined,
    loss: mean(steps.map((step) => step.loss)),
    gradientNorm: mean(steps.map((step) => step.gradientNorm)),
    learningRate: facts.learningRate,
    seconds: {
      text: seconds['text'] ?? 0,
      rollout: seconds['rollout'] ?? 0,
      decode: seconds['decode'] ?? 0,
      reward: seconds['reward'] ?? 0,
      update: seconds['update'] ?? 0,
    },
    images: scores.total.length,
    tensors: tf.memory().numTensors,
    memoryBytes: process.memoryUsage.rss(),
    failedRewards: scores.failed,
  };
}
