import type { Reward, RewardBatch, ScoreOptions } from '../reward';
import { norm } from './cosine';
import { batchSizeOf, finiteScore, type NeuralRewardOptions, versionOf } from './neural-options';
import { requireSetting } from './require-setting';

export interface AestheticOptions extends NeuralRewardOptions {
  /** Which of the predictors in `reward.json`; `v2` when left out. LAION published `v1` and `v2`. */
  readonly head?: string | undefined;
}

/**
 * How much people would like an image's looks, from 1 to 10: LAION's aesthetic predictors on the normalised image
 * embedding of CLIP ViT-L/14. Version 2 is five linear layers without activations between them, so that both versions
 * are one affine map, w · e + b. The prompt plays no part.
 *
 * @returns a reward in b ± ‖w‖, which all scores keep to; pictures of people mostly have 4 to 7
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function aesthetic(options: AestheticOptions): Promise<Reward> {
  const { head = 'v2' } = options;
  const { openClipVision } = await import('./clip-model');
  const name = 'aesthetic';
  const clip = await openClipVision(name, options);
  try {
    const heads = requireSetting(name, clip.settings, 'aesthetic');
    const chosen = Object.hasOwn(heads, head) ? heads[head] : undefined;
    if (chosen === undefined) {
      throw new Error(
        `The model's reward.json has no aesthetic head '${head}'; it has ${Object.keys(heads).join(', ')}`,
      );
    }
    const { weight, bias } = chosen;
    const length = norm(weight);
    return {
      name,
      version: versionOf('1', clip.sha256, head),
      // A little more than the closed form, for the rounding of a sum of float64 products.
      range: [bias - length * (1 + 1e-12), bias + length * (1 + 1e-12)],
      batchSize: batchSizeOf(options),
      async score({ images }: RewardBatch, { signal }: ScoreOptions = {}) {
        const embeddings = await clip.embedImages(images, signal);
        return embeddings.map((embedding) => {
          if (embedding.length !== weight.length) {
            throw new Error(
              `The model's embeddings have ${embedding.length} numbers and the aesthetic head '${head}' ` +
                `${weight.length}; expected a head that was trained on this model`,
            );
          }
          let product = 0;
          for (let index = 0; index < weight.length; index++) {
            product += weight[index]! * embedding[index]!;
          }
          return finiteScore(product / norm(embedding) + bias);
        });
      },
      dispose: clip.dispose,
    };
  } catch (error) {
    await clip.dispose();
    throw error;
  }
}
