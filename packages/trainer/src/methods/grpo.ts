import { groupMean } from '@loop-diffusion/advantage-estimators';
import {
  clippedSurrogate,
  divergenceMask,
  guardedRatio,
  policyRatio,
} from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { numberAbove, oneOf } from '../fields';
import { defineMethod, type LossContext, type RowLosses, type TrajectoryRows } from './method';
import { surrogate } from './surrogate';

const settings = z.strictObject({
  std: oneOf(
    ['group', 'batch', 'none'],
    'what centred rewards are divided by: the standard deviation of the prompt (GRPO), of the batch (Flow-GRPO), or nothing (Dr. GRPO)',
  ).default('group'),
  ratio: oneOf(
    ['clip', 'guard', 'mask'],
    "how samples may be reused: clip is PPO's, guard re-centres the ratio (GRPO-Guard), mask leaves out steps whose divergence is too large (Flow-DPPO)",
  ).default('clip'),
  divergence: numberAbove(
    0,
    Infinity,
    'with ratio: mask, the divergence of a step beyond which it is left out; null for D / 2 times the square of the clip range, D the numbers in a latent',
  )
    .nullable()
    .default(null),
});
type Settings = z.output<typeof settings>;

const STD = { group: 'population', batch: 'batch', none: 'none' } as const;

/** GRPO (arXiv 2402.03300) on denoising trajectories, as Flow-GRPO (arXiv 2505.05470) has it, in its later forms. */
export const grpo = defineMethod({
  name: 'grpo',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'trajectories',
    // A deviation over the batch is over prompts, so that sums must have all their terms.
    withinPrompts: chosen.std !== 'batch',
    reuse: 'clipped',
    ownClip: chosen.ratio === 'mask',
    oldMean: chosen.ratio !== 'clip',
    // A_i = (r_i − r̄) / (std + 1e-4)
    advantages: ({ rewards, mask }) => groupMean(rewards, { std: STD[chosen.std] }, mask),
    loss(rows, context) {
      switch (chosen.ratio) {
        case 'clip':
          return surrogate(rows, context);
        case 'guard':
          return guarded(rows, context);
        case 'mask':
          return masked(rows, context, chosen.divergence);
      }
    },
  }),
  problems: ({ ratio, divergence }, { clipRange }) =>
    ratio === 'mask' && divergence === null && clipRange === 'none'
      ? [
          'algorithm.grpo.divergence follows from algorithm.clipRange, which is none; set one of them',
        ]
      : [],
  warnings: ({ ratio, divergence }) =>
    ratio !== 'mask' && divergence !== null
      ? [
          `algorithm.grpo.divergence is ${String(divergence)}, which only algorithm.grpo.ratio: mask reads`,
        ]
      : [],
});

function shiftOf({ mean, oldMean }: TrajectoryRows): tf.Tensor4D {
  if (oldMean === undefined) throw new TypeError('There is no mean of the policy that sampled.');
  return tf.sub(mean, oldMean);
}

/**
 * GRPO-Guard (arXiv 2510.22319): ρ′ = exp(σ (Δ + b)) with b = mean(Δμ²) / (2σ²), whose exponent mean(Δμ z) has no drift, and a loss
 * per unit of what the network's output moves the mean by (there |dt|). The clip range is in units of σ, as it is for ρ.
 */
function guarded(rows: TrajectoryRows, context: LossContext): RowLosses {
  const { logProb, oldLogProb, advantages, sigma, outputScale } = rows;
  const ratio = guardedRatio({ logProb, oldLogProb, meanShift: shiftOf(rows), sigma });
  const clipRange =
    context.clipRange === Infinity ? Infinity : tf.mul<tf.Tensor1D>(sigma, context.clipRange);
  const loss = clippedSurrogate({
    ...{ logProb, oldLogProb, advantages, ratio, clipRange, reduction: 'none' },
  });
  return {
    loss: tf.div(loss, tf.abs(outputScale)),
    clipped: tf.cast(tf.greater(tf.abs(tf.sub(ratio, 1)), clipRange), 'float32'),
  };
}

/** Flow-DPPO: −A ρ, left out where mean(Δμ²) / (2σ²) ≥ δ and ρ has moved the way A asks for. */
function masked(
  rows: TrajectoryRows,
  { clipRange, latentSize }: LossContext,
  divergence: number | null,
): RowLosses {
  const { logProb, oldLogProb, advantages, sigma } = rows;
  const ratio = policyRatio(logProb, oldLogProb);
  // A mean that moves by δσ has the divergence δ²/2, and log-ratios that spread by δ/√D.
  const threshold = divergence ?? (clipRange * clipRange * latentSize) / 2;
  const mask = divergenceMask({
    ...{ sigma, ratio, advantages, threshold },
    meanShift: shiftOf(rows),
  });
  return {
    loss: tf.neg(tf.mul(tf.mul(advantages, ratio), mask)),
    measures: { masked: tf.sub(1, mask) },
  };
}
