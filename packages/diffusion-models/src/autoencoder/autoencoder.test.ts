import { readFileSync } from 'node:fs';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { checkWeights } from '../shapes';
import { fixtureTensors, largestDifference, seededRandom } from '../testing/tensors';
import { weightsFromSafetensors } from '../weights';
import {
  autoencoderShapes,
  decodeLatents,
  encodeImages,
  initializeAutoencoder,
} from './autoencoder';
import { parseAutoencoderConfig } from './config';
import { updateAutoencoderWeights } from './legacy-weights';

/** diffusers' own float32 result is 2.1e-6 away from float64; another order of sums is as far again. */
const OUTPUT_TOLERANCE = 5e-6;
/** Relative to the largest; several backward layers add up, see the UNet's. */
const GRADIENT_TOLERANCE = 1e-5;

function open(fixture: string) {
  const file = (name: string): Uint8Array =>
    readFileSync(`${__dirname}/../../fixtures/${fixture}/${name}`);
  const config = parseAutoencoderConfig(
    JSON.parse(Buffer.from(file('config.json')).toString()) as unknown,
  );
  const weights = updateAutoencoderWeights(
    weightsFromSafetensors(readSafetensors(file('diffusion_pytorch_model.safetensors'))),
  );
  return { config, weights, expected: fixtureTensors(file('io.safetensors')) };
}

describe.each(['vae', 'vae-legacy'])('parity with diffusers: %s', (fixture) => {
  test('its weights are those that the config asks for', () => {
    const { config, weights } = open(fixture);
    expect(() => checkWeights('vae', weights, autoencoderShapes(config))).not.toThrow();
    expect(config.scalingFactor).toBe(0.18215);
  });

  test('encode', () => {
    const { config, weights, expected } = open(fixture);
    const { mean, logVariance } = encodeImages(config, weights, expected('image') as tf.Tensor4D);
    expect(largestDifference(mean, expected('encode.mean'))).toBeLessThan(OUTPUT_TOLERANCE);
    const scaled = tf.mul(mean, config.scalingFactor);
    expect(largestDifference(scaled, expected('scaled_latent'))).toBeLessThan(OUTPUT_TOLERANCE);
    expect(largestDifference(logVariance, expected('encode.logvar'))).toBeLessThan(
      OUTPUT_TOLERANCE,
    );
  });

  test('decode, and its gradient', () => {
    const { config, weights, expected } = open(fixture);
    const decode = (latents: tf.Tensor) => decodeLatents(config, weights, latents as tf.Tensor4D);
    expect(largestDifference(decode(expected('latent')), expected('decode'))).toBeLessThan(
      OUTPUT_TOLERANCE,
    );
    const scaled = tf.div(expected('latent'), config.scalingFactor);
    expect(largestDifference(decode(scaled), expected('decode_scaled'))).toBeLessThan(
      OUTPUT_TOLERANCE,
    );
    const gradient = tf.grad((latents) =>
      tf.sum(tf.mul(decode(latents), expected('decode_grad_output'))),
    )(expected('latent'));
    expect(gradient).toBeGradient(expected('decode_grad.latent'), GRADIENT_TOLERANCE);
  });
});

const SMALL = {
  block_out_channels: [4, 8],
  norm_num_groups: 2,
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
};

test('a fresh model has every weight, and gradients reach all of them', () => {
  const config = parseAutoencoderConfig(SMALL);
  const weights = initializeAutoencoder(config, seededRandom(1));
  expect(() => checkWeights('vae', weights, autoencoderShapes(config))).not.toThrow();
  const images = tf.tensor4d(seededRandom(2).normal(2 * 8 * 8 * 3), [2, 8, 8, 3]);
  const keys = Object.keys(weights);
  const gradients = tf.grads((...values) => {
    const model = Object.fromEntries(keys.map((key, index) => [key, values[index]!]));
    const { mean, logVariance } = encodeImages(config, model, images);
    const decoded = decodeLatents(config, model, mean);
    return tf.add(tf.sum(tf.square(decoded)), tf.sum(logVariance));
  })(keys.map((key) => weights[key]!));
  const withoutGradient = keys.filter((_, index) => {
    return tf.max(tf.abs(gradients[index]!)).dataSync()[0] === 0;
  });
  // A bias of the keys adds the same to every score of a row, and cancels in the softmax: its gradient
  // is rounding noise around 0.
  expect(withoutGradient.filter((key) => !key.endsWith('to_k.bias'))).toEqual([]);
});

test('leaves no tensor behind but its results', () => {
  const config = parseAutoencoderConfig(SMALL);
  const weights = initializeAutoencoder(config, seededRandom(1));
  const images: tf.Tensor4D = tf.zeros([1, 8, 8, 3]);
  const run = () => {
    const { mean, logVariance } = encodeImages(config, weights, images);
    return [mean, logVariance, decodeLatents(config, weights, mean)];
  };
  // The first call of a size makes the constants that the norms keep.
  tf.dispose(run());
  const before = tf.memory().numTensors;
  const results = run();
  expect(tf.memory().numTensors).toBe(before + 3);
  tf.dispose(results);
});

test('names both shapes when the input does not fit', () => {
  const config = parseAutoencoderConfig(SMALL);
  expect(() => decodeLatents(config, {}, tf.zeros([1, 8, 8, 3]))).toThrow(
    'latents have shape [1, 8, 8, 3], expected [batch, height, width, 4]',
  );
});

describe('the keys of old checkpoints', () => {
  test('become those of today, 1×1 convolutions become linear', () => {
    const path = 'decoder.mid_block.attentions.0';
    const updated = updateAutoencoderWeights({
      [`${path}.query.weight`]: tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2]),
      [`${path}.proj_attn.bias`]: tf.tensor1d([5, 6]),
      'decoder.conv_in.bias': tf.tensor1d([7]),
    });
    expect(Object.keys(updated)).toEqual([
      `${path}.to_q.weight`,
      `${path}.to_out.0.bias`,
      'decoder.conv_in.bias',
    ]);
    expect(updated[`${path}.to_q.weight`]!.arraySync()).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
});
