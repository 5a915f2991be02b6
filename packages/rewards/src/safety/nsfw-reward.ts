import type { Reward } from '../reward';
import { nsfwClassifier, safeProbability } from './nsfw-classifier';

/**
 * How likely a picture is safe for work: the probability of nsfwjs's classes neutral and drawing
 * together, in [0, 1], with all five as components. The prompt plays no part.
 *
 * @throws {Error} when the libraries are not installed or no TensorFlow.js backend is set
 */
export async function nsfwReward(): Promise<Reward> {
  const classifier = await nsfwClassifier();
  return {
    name: 'safety',
    version: `1:${classifier.version}`,
    range: [0, 1],
    batchSize: 8,
    async score({ images }) {
      const classified = await classifier.classify(images);
      return classified.map((probabilities) => ({
        ok: true,
        value: safeProbability(probabilities),
        components: probabilities,
      }));
    },
    async dispose() {
      classifier.dispose();
    },
  };
}
