/**
 * What an iteration was like, from what its phases returned.
 *
 * Only `tracking`, `run` and `command-line` may import this folder.
 */
import { reportGroups } from '@loop-diffusion/advantage-estimators';
import type { DenoiseStep } from '@loop-diffusion/diffusion-mdp';
import { ratioDiagnostics, ratioDiagnosticsByTimestep } from '@loop-diffusion/ppo-objective';
import type { ImageQuality } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import type { PairReport } from '../learning/read-chunks';
import type { OptimizerStepReport } from '../learning/update';
import type { IterationRecord } from '../run-folder/records';
import { fractionAtCeiling } from '../scoring/collapse-signs';
import type { WeightedReward } from '../scoring/rewards';
import type { Scores } from '../scoring/scores';
import { mean, presentIn, standardDeviation, withoutMissing } from '../statistics';
import { histogramOf } from './histogram';
import { unetPasses } from './unet-passes';

/** When every group's rewards were alike there are no pairs, and no ratio has left 1. */
const NOTHING_TO_LEARN = {
  ratioMean: 1,
  ratioStd: 0,
  ratioMaxDeviation: 0,
  clipFraction: 0,
  approxKl: 0,
};

/** The part of a run that its iterations are reported with. */
interface ReportedRun {
  readonly config: { readonly algorithm: { readonly k: number } };
  readonly policy: { readonly guidance: number };
  /** What it needs besides its own answer at each row. */
  readonly objective: {
    readonly base?: boolean | undefined;
    readonly extra?: { readonly count: number; readonly from: string } | undefined;
  };
  /** The average that the method keeps of the weights, where it keeps one. */
  readonly average: object | undefined;
  readonly rewards: readonly WeightedReward[];
  readonly clipRange: number;
  /** Whether ratios beyond it are stopped. */
  readonly clips: boolean;
  readonly klWeight: { readonly weight: number; readonly observe?: unknown };
  readonly plan: readonly DenoiseStep[];
}

export interface IterationFacts {
  /** Counted from 0. */
  readonly iteration: number;
  readonly scores: Scores & { readonly quality: ImageQuality };
  /** What was learnt from: `[prompts, k]`, NaN where there is no reward. */
  readonly rewards: readonly (readonly number[])[];
  /** How much the k images of a prompt differ, a mean over the prompts, in [0, 0.5]. */
  readonly diversity: number;
  readonly steps: readonly OptimizerStepReport[];
  readonly learningRate: number;
  /** Spent with other workers; undefined without any. */
  readonly exchangeSeconds?: number | undefined;
  readonly seconds: Record<string, number>;
}

export function reportIteration(run: ReportedRun, facts: IterationFacts): IterationRecord {
  const { scores, seconds } = facts;
  const taken = facts.steps.filter(({ skipped }) => !skipped);
  // A minibatch may have nothing to learn from, and says nothing of the policy.
  const learnt = taken.filter(({ rows }) => rows > 0);
  const steps = learnt.length > 0 ? learnt : taken;
  const { clipRange } = run;
  const valid = withoutMissing(scores.absolute);
  // Only after the first optimizer step can a ratio leave 1.
  const pairs = steps.at(-1)?.pairs ?? [];
  const logProbs = pairs.map((pair) => pair.logProb);
  const oldLogProbs = pairs.map((pair) => pair.oldLogProb);
  const ratios =
    pairs.length > 0 ? ratioDiagnostics(logProbs, oldLogProbs, clipRange) : NOTHING_TO_LEARN;
  const timesteps = pairs.map((pair) => run.plan[pair.step]?.timestep ?? Number.NaN);
  const pairsAt = (timestep: number): PairReport[] =>
    pairs.filter((_, index) => timesteps[index] === timestep);
  const clipFractionOf = (these: readonly PairReport[], ofRatios: number): number => {
    if (!run.clips) return 0;
    const told = these.flatMap(({ clipped }) => clipped ?? []);
    return told.length === 0 ? ofRatios : mean(told.map(Number));
  };
  const kls = steps.map((step) => step.klReference).filter((kl) => kl !== undefined);
  const measures = meansByName(steps.map((step) => step.measures));
  return {
    iteration: facts.iteration + 1,
    reward: {
      mean: mean(valid),
      std: standardDeviation(valid),
      components: scores.components,
    },
    rewards: [...scores.absolute],
    groups: facts.rewards.length,
    diversity: facts.diversity,
    quality: scores.quality,
    atCeiling: fractionAtCeiling(valid, run.rewards),
    zeroVarianceGroups: reportGroups(facts.rewards, presentIn(facts.rewards)).zeroSpreadGroups,
    ratio: {
      mean: ratios.ratioMean,
      std: ratios.ratioStd,
      maxDeviation: ratios.ratioMaxDeviation,
    },
    ratioPerTimestep: ratioDiagnosticsByTimestep(timesteps, logProbs, oldLogProbs, clipRange).map(
      ({ timestep, ratioMean, ratioStd, clipFraction }) => ({
        timestep,
        mean: ratioMean,
        std: ratioStd,
        clipFraction: clipFractionOf(pairsAt(timestep), clipFraction),
        histogram: histogramOf(
          pairsAt(timestep).map(({ logProb, oldLogProb }) => Math.exp(logProb - oldLogProb)),
        ),
      }),
    ),
    clips: run.clips,
    clipFraction: clipFractionOf(pairs, ratios.clipFraction),
    clipRange,
    approxKl: ratios.approxKl,
    klReference: kls.length > 0 ? mean(kls) : undefined,
    // One that is the same in every iteration is in the configuration.
    klWeight: run.klWeight.observe === undefined ? undefined : run.klWeight.weight,
    measures: Object.keys(measures).length > 0 ? measures : undefined,
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
    exchangeSeconds: facts.exchangeSeconds,
    images: scores.total.length,
    passes: passesOf(run, facts),
    tensors: tf.memory().numTensors,
    memoryBytes: process.memoryUsage.rss(),
    failedRewards: scores.failed,
    notApplicable: scores.notApplicable,
    failures: [...scores.failures],
    skippedUpdates: facts.steps.length - taken.length,
  };
}

function passesOf(run: ReportedRun, { scores, rewards, steps }: IterationFacts) {
  const { objective, klWeight, average, plan, policy } = run;
  const extra = objective.extra?.from === 'base' ? objective.extra.count * rewards.length : 0;
  const comparesWithBase = objective.base === true || klWeight.weight > 0;
  return unetPasses({
    images: scores.total.length + extra,
    denoiseSteps: plan.length,
    rows: steps.reduce((sum, { rows }) => sum + rows, 0),
    comparisons: Number(comparesWithBase) + Number(average !== undefined),
    guided: policy.guidance > 1,
  });
}

function meansByName(given: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(given.flatMap((measures) => Object.keys(measures)));
  return Object.fromEntries(
    [...names].map((name) => [name, mean(given.flatMap((measures) => measures[name] ?? []))]),
  );
}
