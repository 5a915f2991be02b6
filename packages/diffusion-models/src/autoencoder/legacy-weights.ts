import * as tf from '@tensorflow/tfjs-core';

/** diffusers < 0.17 called the projections of the autoencoder's attention by other names. */
const LEGACY_NAMES: Readonly<Record<string, string>> = {
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};
const ATTENTION_KEY =
  /^((?:encoder|decoder)\.mid_block\.attentions\.0)\.(query|key|value|proj_attn|to_q|to_k|to_v|to_out\.0)\.(weight|bias)$/;

/**
 * An autoencoder's weights under today's keys, as the published Stable Diffusion 1 files do not have
 * them: projections named `query`, `key`, `value`, `proj_attn`, and stored as 1×1 convolutions.
 *
 * @param weights taken over: tensors that are replaced are disposed
 */
export function updateAutoencoderWeights(
  weights: Readonly<Record<string, tf.Tensor>>,
): Record<string, tf.Tensor> {
  const updated: Record<string, tf.Tensor> = {};
  for (const [key, tensor] of Object.entries(weights)) {
    const match = ATTENTION_KEY.exec(key);
    if (match === null) {
      updated[key] = tensor;
      continue;
    }
    const [, path = '', name = '', kind = ''] = match;
    updated[`${path}.${LEGACY_NAMES[name] ?? name}.${kind}`] =
      tensor.rank === 4 ? asLinear(tensor as tf.Tensor4D) : tensor;
  }
  return updated;
}

/** `[1, 1, in, out]` → `[out, in]` */
function asLinear(kernel: tf.Tensor4D): tf.Tensor2D {
  const [, , inputs, outputs] = kernel.shape;
  const weight = tf.tidy(() => tf.transpose<tf.Tensor2D>(tf.reshape(kernel, [inputs, outputs])));
  kernel.dispose();
  return weight;
}
