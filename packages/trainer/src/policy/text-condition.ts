/** What texts are to the network: rows of hidden states, and Stable Diffusion XL's added condition. */
import type { UNetText } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

/** What the network is told of texts, a row each. */
export interface TextCondition<States = tf.Tensor3D | UNetText> {
  /** `[rows, tokens, width]`, or keys and values as the UNet makes them of it. */
  readonly states: States;
  /** Stable Diffusion XL's added condition, `[rows, channels]`. */
  readonly added: tf.Tensor2D | undefined;
}

/** Fresh from the text encoders. */
export type EncodedText = TextCondition<tf.Tensor3D>;

/** Rows of texts, in the order given. */
export function gatherTexts(
  { states, added }: TextCondition,
  rows: readonly number[],
): TextCondition {
  return tf.tidy(() => {
    // The kernel looks at its indices: each has its own, which are still on the host then.
    const gather = <T extends tf.Tensor>(tensor: T): T =>
      tf.gather(tensor, tf.tensor1d([...rows], 'int32'));
    return {
      states:
        states instanceof tf.Tensor
          ? gather(states)
          : Object.fromEntries(Object.entries(states).map(([path, text]) => [path, gather(text)])),
      added: added && gather(added),
    };
  });
}

export function disposeTexts(...texts: readonly TextCondition[]): void {
  tf.dispose(texts.flatMap(({ states, added }) => (added ? [states, added] : [states])));
}
