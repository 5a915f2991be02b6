import type { Reward, RewardBatch, ScoreOptions } from '../reward';
import { embedInBatches } from './embed-in-batches';
import { batchSizeOf, finiteScore, type NeuralRewardOptions, versionOf } from './neural-options';
import { rowsOf } from './onnx-model';
import { requireSetting } from './require-setting';

/**
 * What people prefer among images of a prompt: a BLIP whose text encoder attends to the picture, and linear layers on
 * its first token; ImageReward (Xu et al. 2023). Scores are standardised, (x − mean) / standard deviation, with the
 * constants of the published model, .16717363 and 1.03333950, in `reward.json`.
 *
 * @returns a reward without bounds, mostly between −2 and 2
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function imageReward(options: NeuralRewardOptions): Promise<Reward> {
  const name = 'image-reward';
  const batchSize = batchSizeOf(options);
  const { openBlipModel } = await import('./blip-model');
  const blip = await openBlipModel(name, options, 'reward', (preprocessing) => {
    const { fit } = preprocessing;
    // Its own code prepares pictures with torchvision.
    return fit.kind === 'crop'
      ? { ...preprocessing, fit: { ...fit, centre: 'torchvision' } }
      : preprocessing;
  });
  try {
    const { mean, standardDeviation } = requireSetting(name, blip.settings, 'imageReward');
    return {
      name,
      version: versionOf('1', blip.sha256),
      range: [-Infinity, Infinity],
      batchSize,
      async score({ images, prompts }: RewardBatch, { signal }: ScoreOptions = {}) {
        const items = images.map((image, index) => ({ image, prompt: prompts[index]! }));
        const embed = async (batch: readonly (typeof items)[number][]) => {
          const pictures = await blip.encodeImages(batch.map(({ image }) => image));
          const texts = batch.map(({ prompt }) => prompt);
          return rowsOf(await blip.readTexts(texts, pictures), batch.length);
        };
        const rows = await embedInBatches(items, batchSize, embed, signal);
        return rows.map((row) => finiteScore((row[0]! - mean) / standardDeviation));
      },
      dispose: blip.dispose,
    };
  } catch (error) {
    await blip.dispose();
    throw error;
  }
}
