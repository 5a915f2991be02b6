/** Texts as the UNet's attention takes them. */
import { unetText, type UNetText } from '@loop-diffusion/diffusion-models';
import { compile } from '@loop-diffusion/native-tensorflow';
import type * as tf from '@tensorflow/tfjs-core';

import type { Denoiser } from './policy';

/**
 * What the UNet makes of texts, once for all steps of a rollout with the same weights; compiled where the backend can.
 *
 * @param text `[prompts, tokens, width]`
 */
export const prepareText = compile(
  ({ unet: { weights }, adapter }: Denoiser, text: tf.Tensor3D): UNetText =>
    unetText(weights, text, adapter),
);
