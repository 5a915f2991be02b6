/** What DPO and RPO share: a loss over pairs of the best and the worst image of a prompt. */
import { diffusionPreference } from '@loop-diffusion/denoising-objectives';
import { directPreference, scaleClipRange } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { oneOf } from '../fields';
import type { Objective } from './method';
import { bestAgainstWorst, clampedPreferences, winnersAndLosers } from './pairs';

/** As published, for denoising errors (Diffusion-DPO). */
const BETA = 5000;

export function preferenceSettings(sftWeight: 'auto' | number) {
  return z.strictObject({
    beta: z
      .union([z.literal('auto'), z.number().gt(0)])
      .meta({
        expected: 'auto or a number above 0',
        description: `how sharply a preference is drawn; auto is ${String(BETA)} for form: denoising and one over the automatic clip range for form: steps`,
      })
      .default('auto'),
    form: oneOf(
      ['denoising', 'steps'],
      'what is compared: errors of denoising the two images anew, or log-ratios of the steps that drew them',
    ).default('denoising'),
    sftWeight: z
      .union([z.literal('auto'), z.number().min(0)])
      .meta({
        expected: 'auto or a number of at least 0',
        description:
          'weight of the imitation of the better image, in form: steps times beta; auto gives it a hundredth of the slope of the preference where training begins',
      })
      .default(sftWeight),
  });
}

export type PreferenceSettings = z.output<ReturnType<typeof preferenceSettings>>;

/** Slopes of the preference at the base: β/4 in an error, β/2 in a log-ratio, whose imitation has a slope of ηβ. */
const slopeOf = ({ beta, form }: PreferenceSettings): number =>
  form === 'steps' ? 0.5 : (beta === 'auto' ? BETA : beta) / 4;

export function preferenceObjective(settings: PreferenceSettings): Objective {
  const { beta, form } = settings;
  const sftWeight = settings.sftWeight === 'auto' ? 0.01 * slopeOf(settings) : settings.sftWeight;
  const common = {
    ...({ withinPrompts: true, reuse: 'bounded', pairs: true, base: true } as const),
    advantages: bestAgainstWorst,
  };
  if (form === 'steps') {
    return {
      ...common,
      learnsFrom: 'trajectories',
      // −log σ(β [Δ_w − Δ_l]) − η β log p_w, Δ = log p_θ − log p_base
      loss({ logProb, base }, { latentSize }) {
        if (base === undefined) throw noBase();
        const [winner, loser] = winnersAndLosers(tf.sub(logProb, base.logProb));
        const [winnerLogProb] = winnersAndLosers(logProb);
        const loss = directPreference({
          ...{ winnerLogRatio: winner, loserLogRatio: loser, winnerLogProb, sftWeight },
          ...{ beta: beta === 'auto' ? 1 / scaleClipRange(latentSize) : beta, reduction: 'none' },
        });
        return { loss, measures: { winner_log_ratio: winner, loser_log_ratio: loser } };
      },
    };
  }
  return {
    ...common,
    learnsFrom: 'images',
    // −log σ(−½ β [(ℓ_w − ℓ_w^base) − (ℓ_l − ℓ_l^base)]) + η ℓ_w, with the same t and ε in all four
    loss({ error, base }) {
      if (base === undefined) throw noBase();
      const [winnerError, loserError] = winnersAndLosers(error);
      const [winnerReferenceError, loserReferenceError] = winnersAndLosers(base.error);
      const loss = diffusionPreference({
        ...{ winnerError, loserError, winnerReferenceError, loserReferenceError },
        ...{ beta: beta === 'auto' ? BETA : beta, sftWeight, reduction: 'none' },
      });
      return { loss, measures: { winner_error: winnerError, loser_error: loserError } };
    },
  };
}

export function preferenceProblems(
  name: string,
  settings: PreferenceSettings,
  advantageClip: number | null,
): readonly string[] {
  const { sftWeight } = settings;
  const most = 10 * slopeOf(settings);
  return [
    ...clampedPreferences(name, advantageClip),
    ...(sftWeight === 'auto' || sftWeight <= most
      ? []
      : [
          `algorithm.${name}.sftWeight is ${String(sftWeight)}, more than ten times the slope of the preference (at most ${String(most)}), which would be imitation alone`,
        ]),
  ];
}

function noBase(): TypeError {
  return new TypeError('There is no base model to compare with.');
}
