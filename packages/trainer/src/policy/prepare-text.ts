/** Texts as the UNet's attention takes them. */
import { unetText, type UNetText } from '@loop-diffusion/diffusion-models';
import type * as tf from '@tensorflow/tfjs-core';

import type { Denoiser } from './policy';

/**
 * What the UNet makes of texts, once for all steps of a rollout with the same weights.
 *
 * @param text `[prompts, tokens, width]`
 */
export function prepareText({ unet: { weights }, adapter }: Denoiser, text: tf.Tensor3D): UNetText {
  return unetText(weights, text, adapter);
}
