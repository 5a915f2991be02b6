import { openTogether } from '../open-together';
import {
  notApplicable,
  type Reward,
  type RewardBatch,
  type RewardResult,
  type ScoreOptions,
} from '../reward';
import { cosine } from './cosine';
import { embedInBatches } from './embed-in-batches';
import { openModelFiles } from './model-files';
import { batchSizeOf, finiteScore, type NeuralRewardOptions, versionOf } from './neural-options';

/** Exports of others have all tokens, of which the first is the class token. */
const OUTPUTS = ['pooler_output', 'last_hidden_state'];

/**
 * How much the images of a group differ, by default those of equal prompts: an image's mean 1 − cos to the others, between
 * DINOv2's class tokens (Oquab et al. 2023) after the last layer norm. The mean over a group's images is their mean
 * pairwise distance.
 *
 * It does not apply to an image alone: there is nothing to differ from.
 *
 * @returns a reward of scope `group` in [0, 2]
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function dinoDiversity(options: NeuralRewardOptions): Promise<Reward> {
  const name = 'dino-diversity';
  const batchSize = batchSizeOf(options);
  const { openImageEncoder } = await import('./image-encoder');
  const { readPreprocessing } = await import('./preprocess');
  const files = await openModelFiles(name, options.model);
  const preprocessing = await readPreprocessing(files);
  const { encoder, sha256 } = await openTogether(async (keep) => {
    const parts = { files, path: 'onnx/model.onnx', outputs: OUTPUTS, preprocessing };
    const opened = keep(await openImageEncoder(name, parts, options));
    return { encoder: opened, sha256: await files.sha256() };
  });

  async function embed(images: RewardBatch['images']): Promise<Float32Array[]> {
    const { data, dims } = await encoder.encode(images);
    const size = dims.at(-1)!;
    const stride = data.length / images.length;
    return images.map((_, row) => data.slice(row * stride, row * stride + size));
  }

  return {
    name,
    version: versionOf('1', sha256),
    range: [0, 2],
    batchSize,
    scope: 'group',
    async score({ images, prompts, groups }: RewardBatch, { signal }: ScoreOptions = {}) {
      const groupOf = groups ?? prompts;
      const embeddings = await embedInBatches(images, batchSize, embed, signal);
      return images.map((_, index): RewardResult => {
        const others = embeddings.filter(
          (_other, other) => other !== index && groupOf[other] === groupOf[index],
        );
        if (others.length === 0) {
          return notApplicable('The image is the only one of its group; expected two to compare.');
        }
        const distances = others.map((other) => 1 - cosine(embeddings[index]!, other));
        return finiteScore(distances.reduce((sum, value) => sum + value, 0) / others.length);
      });
    },
    dispose: encoder.dispose,
  };
}
