import type { Reward, RewardBatch, ScoreOptions } from '../reward';
import type { ClipModel } from './clip-model';
import { cosine } from './cosine';
import { batchSizeOf, finiteScore, type NeuralRewardOptions, versionOf } from './neural-options';

export interface CosineReward {
  readonly name: string;
  readonly clip: ClipModel;
  readonly options: NeuralRewardOptions;
  /** Version of the code, and the parameters that change a score. */
  readonly code: string;
  readonly parameters: readonly unknown[];
  readonly range: readonly [number, number];
  /** The text that is embedded for a prompt. */
  readonly textOf?: (prompt: string) => string;
  /** The score from the cosine between image and text. */
  readonly scoreOf: (cosine: number) => number;
}

/** A reward that is a function of the cosine between CLIP's embeddings of an image and of its prompt. */
export function cosineReward({
  name,
  clip,
  options,
  code,
  parameters,
  range,
  textOf = (prompt) => prompt,
  scoreOf,
}: CosineReward): Reward {
  return {
    name,
    version: versionOf(code, clip.sha256, ...parameters),
    range,
    batchSize: batchSizeOf(options),
    async score({ images, prompts }: RewardBatch, { signal }: ScoreOptions = {}) {
      const texts = await clip.embedTexts(prompts.map(textOf), signal);
      const pictures = await clip.embedImages(images, signal);
      return pictures.map((picture, index) => {
        const similarity = cosine(picture, texts[index]!);
        return finiteScore(scoreOf(similarity), { cosine: similarity });
      });
    },
    dispose: clip.dispose,
  };
}
