import {
  type Image,
  type Reward,
  rewardFailure,
  type RewardResult,
  toUint8,
} from '@loop-diffusion/rewards';

import { PromptSyntaxError } from './prompt';
import { scoreScene } from './score-scene';

function scoreOne(image: Image, prompt: string): RewardResult {
  try {
    return { ok: true, ...scoreScene({ ...image, data: toUint8(image) }, prompt) };
  } catch (error) {
    if (error instanceof PromptSyntaxError) return rewardFailure('invalid-prompt', error.message);
    if (error instanceof RangeError) return rewardFailure('invalid-image', error.message);
    throw error;
  }
}

/**
 * {@link scoreScene} of an image's bytes as a reward, in [0, 1]: what is scored is the picture that a PNG file or a reward
 * server would have, to the last bit. A prompt outside the grammar (`invalid-prompt`) and a
 * picture that is not 64×64 RGB (`invalid-image`) are failures of that image alone.
 */
export function shapesReward(): Reward {
  return {
    name: 'shapes',
    version: '2',
    range: [0, 1],
    batchSize: 64,
    score: ({ images, prompts }) =>
      Promise.resolve(images.map((image, index) => scoreOne(image, prompts[index] ?? ''))),
  };
}
