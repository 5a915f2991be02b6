import type { Reward } from '../reward';
import { cosineReward } from './clip-rewards';
import type { NeuralRewardOptions } from './neural-options';

/**
 * What people prefer among images of a prompt: the cosine between the embeddings of a CLIP ViT-H/14 that was trained on
 * their rankings, unscaled; HPSv2 (Wu et al. 2023). Multiplied by 100 it is the number in the paper's tables.
 *
 * As in its own code, a picture that is no square is not cropped: its longer side is fitted, and black fills the rest.
 *
 * @returns a reward in [−1, 1], mostly between 0.2 and 0.35
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function humanPreference(options: NeuralRewardOptions): Promise<Reward> {
  const { openClipModel } = await import('./clip-model');
  const name = 'human-preference';
  return cosineReward({
    name,
    clip: await openClipModel(name, options, {
      adjust: (preprocessing) => ({ ...preprocessing, fit: { kind: 'pad' } }),
    }),
    options,
    code: '1',
    parameters: [],
    range: [-1, 1],
    scoreOf: (cosine) => cosine,
  });
}
