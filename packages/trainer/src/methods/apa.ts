import { createRunningScale, leaveOneOut } from '@loop-diffusion/advantage-estimators';
import { advantageInducedAlignment, scaleClipRange } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { oneOf } from '../fields';
import {
  defineMethod,
  type GroupedRewards,
  type RememberedAdvantages,
  type TrajectoryRows,
} from './method';

const settings = z.strictObject({
  lambda: z
    .union([z.literal('auto'), z.number().gt(0)])
    .meta({
      expected: 'auto or a number above 0',
      description:
        'an advantage A aims at a log-ratio of A / lambda; auto aims one standard deviation of the advantages at the automatic clip range',
    })
    .default('auto'),
  anchor: oneOf(
    ['rollout', 'base'],
    'the policy that the log-ratio is to: the one that sampled, or the model as it was (the paper; one pass more per row)',
  ).default('rollout'),
  normalizer: oneOf(
    ['none', 'group'],
    'group subtracts the logarithm of the mean of exp(A / lambda) over the samples of a prompt',
  ).default('none'),
});
type Settings = z.output<typeof settings>;

/** Above, a row asks for a log-ratio that the mean of log-densities hardly reaches: it has no more than ½. */
const LARGEST_TARGET = 0.1;

/** APA, advantage-induced policy alignment (arXiv 2306.02231): a regression of the log-ratio on A / λ. */
export const apa = defineMethod({
  name: 'apa',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'trajectories',
    withinPrompts: true,
    reuse: 'bounded',
    // Where A = 0 the loss pulls back to the anchor.
    zeroAdvantages: true,
    base: chosen.anchor === 'base',
    advantages: scaledAdvantages(chosen),
    // (λ/2) (Δ − A/λ)²
    loss(rows, { latentSize }) {
      const { logProb, advantages } = rows;
      const lambda = chosen.lambda === 'auto' ? 1 / scaleClipRange(latentSize) : chosen.lambda;
      const anchorLogProb = anchorOf(rows, chosen);
      const target = tf.div<tf.Tensor1D>(advantages, lambda);
      const difference = tf.sub<tf.Tensor1D>(tf.sub(logProb, anchorLogProb), target);
      return {
        loss: advantageInducedAlignment({
          ...{ logProb, anchorLogProb, advantages, lambda, reduction: 'none' },
        }),
        measures: {
          distance_to_target: tf.abs(difference),
          out_of_reach: tf.cast(tf.greater(tf.abs(target), LARGEST_TARGET), 'float32'),
        },
      };
    },
  }),
  problems: ({ lambda, anchor, normalizer }) => {
    if (lambda !== 'auto') {
      return 1 / lambda <= LARGEST_TARGET
        ? []
        : [
            `algorithm.apa.lambda is ${String(lambda)}: an advantage of 1 would ask for a log-ratio of ${String(1 / lambda)}, but those of means over a latent's numbers reach ½ at most; it must be at least ${String(1 / LARGEST_TARGET)}, and auto is in the thousands`,
          ];
    }
    if (anchor === 'base') {
      return [
        'algorithm.apa.anchor is base, for which there is no automatic lambda: 1/lambda is how far an advantage of 1 may take the policy from the base over the whole run; ten to fifty automatic clip ranges are usual, such as algorithm.apa.lambda=50 for 8×8×4 latents',
      ];
    }
    return normalizer === 'none'
      ? []
      : [
          'algorithm.apa.normalizer is group, which takes off next to nothing with an automatic lambda, where all exp(A / lambda) are near 1; set algorithm.apa.lambda',
        ];
  },
});

function anchorOf({ oldLogProb, base }: TrajectoryRows, { anchor }: Settings): tf.Tensor1D {
  if (anchor === 'rollout') return oldLogProb;
  if (base === undefined) throw new TypeError('There is no base model to be the anchor.');
  return base.logProb;
}

/** Leave-one-out, in units of their running root mean square. */
function scaledAdvantages({ normalizer, lambda }: Settings): RememberedAdvantages {
  let scale = createRunningScale({ decay: 0.9 });
  return {
    estimate({ rewards, mask }: GroupedRewards) {
      const scaled = scale.normalize(leaveOneOut(rewards, mask), mask);
      if (normalizer === 'none' || lambda === 'auto') return scaled;
      return scaled.map((row, prompt) => {
        const valid = row.filter((_, sample) => mask[prompt]?.[sample] ?? false);
        // λ log Z, Z = mean exp(A/λ), from the largest term so that none overflows.
        const most = Math.max(...valid);
        const sum = valid.reduce((total, each) => total + Math.exp((each - most) / lambda), 0);
        const shift = most + lambda * Math.log(sum / valid.length);
        return valid.length === 0 ? row : row.map((each) => each - shift);
      });
    },
    state: () => scale.toJSON(),
    restore(state) {
      scale = createRunningScale({ decay: 0.9 }, scaleState.parse(state));
    },
  };
}

const scaleState = z.object({ total: z.number(), weight: z.number() });
