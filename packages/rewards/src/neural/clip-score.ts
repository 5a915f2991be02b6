import type { Reward } from '../reward';
import { cosineReward } from './clip-rewards';
import type { NeuralRewardOptions } from './neural-options';

export interface ClipScoreOptions extends NeuralRewardOptions {
  /** What comes before a prompt; `A photo depicts ` when left out, as in the paper. */
  readonly prefix?: string | undefined;
}

/**
 * How well an image fits its prompt: 2.5 · max(cos, 0) between CLIP's embeddings. CLIPScore (Hessel et al. 2021),
 * section 3, whose model is CLIP ViT-B/32, such as `hf:Xenova/clip-vit-base-patch32`.
 *
 * The model is opened here, so that a broken one is found before anything is sampled.
 *
 * @returns a reward in [0, 2.5] with the component `cosine`
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function clipScore(options: ClipScoreOptions): Promise<Reward> {
  const { prefix = 'A photo depicts ' } = options;
  const { openClipModel } = await import('./clip-model');
  const name = 'clip-score';
  return cosineReward({
    name,
    clip: await openClipModel(name, options),
    options,
    code: '1',
    parameters: [prefix],
    range: [0, 2.5],
    textOf: (prompt) => prefix + prompt,
    // Math.max keeps NaN.
    scoreOf: (cosine) => 2.5 * Math.max(cosine, 0),
  });
}
