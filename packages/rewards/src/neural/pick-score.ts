import type { Reward } from '../reward';
import { cosineReward } from './clip-rewards';
import type { NeuralRewardOptions } from './neural-options';
import { requireSetting } from './require-setting';

export interface PickScoreOptions extends NeuralRewardOptions {
  /** What scores are divided by; 1 when left out. Flow-GRPO (Liu et al. 2025) divides by 26, which brings them near 1. */
  readonly divisor?: number | undefined;
}

/**
 * What people prefer among images of a prompt: exp(logit scale) · cos between the embeddings of a CLIP ViT-H/14 that was
 * trained on their choices. PickScore (Kirstain et al. 2023), equation 1.
 *
 * @returns a reward in ± exp(logit scale) / divisor, about ± 100, with the component `cosine`
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function pickScore(options: PickScoreOptions): Promise<Reward> {
  const { divisor = 1 } = options;
  const { openClipModel } = await import('./clip-model');
  const name = 'pick-score';
  if (!(Number.isFinite(divisor) && divisor > 0)) {
    throw new RangeError(`Reward "${name}" has divisor ${divisor}; expected a number above 0`);
  }
  const clip = await openClipModel(name, options);
  try {
    const scale = Math.exp(requireSetting(name, clip.settings, 'logitScale')) / divisor;
    return cosineReward({
      name,
      clip,
      options,
      code: '1',
      parameters: [divisor],
      range: [-scale, scale],
      scoreOf: (cosine) => scale * cosine,
    });
  } catch (error) {
    await clip.dispose();
    throw error;
  }
}
