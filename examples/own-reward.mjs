/**
 * A reward of one's own: how green an image is. Programs import it; a configuration file names it
 *
 *   rewards:
 *     - name: ./examples/own-reward.mjs#greenness
 */
import { defineReward } from '@loop-diffusion/rewards';

export const greenness = defineReward(
  // A name for logs, the range for the warning of a reward that is at its ceiling, a version so that scores may be cached.
  { name: 'greenness', range: [-1, 1], version: '1' },
  ({ images, prompts }) =>
    images.map((image, index) =>
      // null: the reward does not apply to this prompt, which is neither a low score nor a failure.
      prompts[index].includes('green') ? meanGreen(image) : null,
    ),
);

/** Green less the mean of red and blue, in [−1, 1]; pixels are red, green, blue, row by row. */
function meanGreen({ data }) {
  const largest = data instanceof Uint8Array ? 255 : 1;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += data[i + 1] - (data[i] + data[i + 2]) / 2;
  return sum / (data.length / 3) / largest;
}
