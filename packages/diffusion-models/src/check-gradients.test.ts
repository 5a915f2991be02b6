import * as tf from '@tensorflow/tfjs-core';
import { decodeLatents, encodeImages, initializeAutoencoder } from './autoencoder/autoencoder';
import { parseAutoencoderConfig } from './autoencoder/config';
import { seededRandom } from './testing/tensors';
import { parseTextEncoderConfig } from './text-encoder/config';
import { initializeTextEncoder } from './text-encoder/initialize';
import { encodeText } from './text-encoder/text-encoder';
import type { Weights } from './types';
import { parseUNetConfig } from './unet/config';
import { unet } from './unet/unet';
import { initializeUNet } from './unet/unet-shapes';

const random = seededRandom(5);
const vae = parseAutoencoderConfig({ block_out_channels: [4], norm_num_groups: 2 });
const network = parseUNetConfig({
  block_out_channels: [4],
  norm_num_groups: 2,
  attention_head_dim: 2,
  cross_attention_dim: 4,
  layers_per_block: 1,
  down_block_types: ['CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D'],
});
const clip = parseTextEncoderConfig({
  ...{ vocab_size: 8, hidden_size: 4, intermediate_size: 8, num_attention_heads: 2 },
  ...{ num_hidden_layers: 1, max_position_embeddings: 4 },
});

let vaeWeights: Weights;
let networkWeights: Weights;
let clipWeights: Weights;
beforeAll(() => {
  vaeWeights = initializeAutoencoder(vae, random);
  networkWeights = initializeUNet(network, random);
  clipWeights = initializeTextEncoder(clip, random);
});

/** As when nobody has registered gradients. */
function withoutGradients(test: () => void): void {
  const known = tf.getGradient(tf.Multiply);
  tf.unregisterGradient(tf.Multiply);
  try {
    test();
  } finally {
    tf.registerGradient(known);
  }
}

const key = 'text_model.final_layer_norm.weight';

test.each<[string, (given: tf.Tensor) => tf.Tensor, number[]]>([
  [
    'unet',
    (x) =>
      unet(network, networkWeights, {
        sample: x as tf.Tensor4D,
        timesteps: 1,
        encoderHiddenStates: tf.ones([1, 2, 4]),
      }),
    [1, 2, 2, 4],
  ],
  ['decodeLatents', (x) => decodeLatents(vae, vaeWeights, x as tf.Tensor4D), [1, 2, 2, 4]],
  ['encodeImages', (x) => encodeImages(vae, vaeWeights, x as tf.Tensor4D).mean, [1, 2, 2, 3]],
  [
    'encodeText',
    (weight) => encodeText(clip, { ...clipWeights, [key]: weight }, [[1, 2]]).lastHiddenState,
    [4],
  ],
])('%s says what to import for a gradient, and only for one', (_, f, shape) => {
  const x = tf.ones(shape);
  withoutGradients(() => {
    expect(() => tf.grad(f)(x)).toThrow(
      /npm install @tensorflow\/tfjs-layers.*tfjs-core\/dist\/register_all_gradients/,
    );
    expect(f(x).rank).toBeGreaterThan(1);
  });
  expect(tf.grad(f)(x).shape).toEqual(shape);
});

test('what holds tensors is a type that tf.tidy may return', () => {
  const { mean } = tf.tidy(() => encodeImages(vae, vaeWeights, tf.ones([1, 2, 2, 3])));
  const { pooled } = tf.tidy(() => encodeText(clip, clipWeights, [[1, 2]]));
  expect([mean.shape, pooled.shape]).toEqual([
    [1, 2, 2, 4],
    [1, 4],
  ]);
});
