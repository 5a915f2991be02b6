import * as tf from '@tensorflow/tfjs-core';
import type { StableDiffusion } from '../folder/stable-diffusion';
import { encodeText } from '../text-encoder/text-encoder';

/** What the UNet is told of prompts. */
export type EncodedPrompts = {
  /** `[prompts, tokens, crossAttentionDim]` */
  readonly states: tf.Tensor3D;
  /** Stable Diffusion XL's text embedding of each prompt, `[prompts, projectionSize]`; 1 and 2 have none. */
  readonly pooled: tf.Tensor2D | undefined;
};

/**
 * Prompts through a model's tokenizers and text encoders. Stable Diffusion 1 and 2 attend to the last hidden state; XL to the
 * last but one of both encoders, not normalised, side by side (Podell et al. 2023, SDXL, arXiv:2307.01952, section 2.1).
 *
 * @throws Error after `releaseTextEncoders`
 */
export function encodePrompts(model: StableDiffusion, prompts: readonly string[]): EncodedPrompts {
  const { tokenizer, textEncoder, tokenizer2, textEncoder2 } = model;
  return tf.tidy(() => {
    const ids = prompts.map((prompt) => tokenizer.encode(prompt));
    const first = encodeText(textEncoder.config, textEncoder.weights, ids);
    if (tokenizer2 === undefined || textEncoder2 === undefined) {
      return { states: first.lastHiddenState, pooled: undefined };
    }
    const ids2 = prompts.map((prompt) => tokenizer2.encode(prompt));
    const second = encodeText(textEncoder2.config, textEncoder2.weights, ids2);
    const lastButOne = [first, second].map(
      ({ hiddenStates }) => hiddenStates.at(-2) as tf.Tensor3D,
    );
    return { states: tf.concat(lastButOne, 2), pooled: second.projected };
  });
}

/** The empty prompt of classifier-free guidance, one row. For Stable Diffusion XL it is all zeros, where the folder says so. */
export function encodeEmptyPrompt(model: StableDiffusion): EncodedPrompts {
  if (model.zeroEmptyPrompt !== true) return encodePrompts(model, ['']);
  const width = model.textEncoder2?.config.projectionSize;
  return {
    states: tf.zeros([1, model.tokenizer.maxLength, model.unet.config.crossAttentionDim]),
    pooled: width === undefined ? undefined : tf.zeros([1, width]),
  };
}
