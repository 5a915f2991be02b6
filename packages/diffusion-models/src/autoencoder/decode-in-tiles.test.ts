import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { fixtureTensors, largestDifference } from '../testing/tensors';
import { weightsFromSafetensors } from '../weights';
import { decodeLatents } from './autoencoder';
import { parseAutoencoderConfig } from './config';
import { decodeInTiles } from './decode-in-tiles';

const fixture = (name: string) => readFileSync(join(__dirname, '../../fixtures/vae', name));

function open() {
  const config = parseAutoencoderConfig(JSON.parse(fixture('config.json').toString()));
  const weights = weightsFromSafetensors(
    readSafetensors(fixture('diffusion_pytorch_model.safetensors')),
  );
  return { config, weights };
}

test("fades tiles into each other as diffusers' tiling does", () => {
  const { config, weights } = open();
  const known = fixtureTensors(fixture('tiles.safetensors'));
  const latents = known('latent') as tf.Tensor4D;
  const whole = decodeLatents(config, weights, latents);
  const before = tf.memory().numTensors;
  const tiled = decodeInTiles(config, weights, latents, 4);
  expect(tf.memory().numTensors).toBe(before + 1);
  // float32 noise of decoding is 2.1e-6.
  expect(largestDifference(tiled, known('decode'))).toBeLessThan(2e-5);
  expect(largestDifference(tiled, whole)).toBeGreaterThan(1e-3);
  // What fits into a tile is not cut.
  expect(largestDifference(decodeInTiles(config, weights, latents, 9), whole)).toBe(0);
});

// Of sides that do not divide by 4 a quarter is no whole number of latents.
test.each([3, 5, 6])('tiles of %i latents make an image of the same size', (tile) => {
  const { config, weights } = open();
  const latents = tf.ones<tf.Rank.R4>([1, 9, 8, config.latentChannels]);
  const whole = decodeLatents(config, weights, latents);
  expect(decodeInTiles(config, weights, latents, tile).shape).toEqual(whole.shape);
});

test.each([1, 0, 2.5, NaN])('refuses a tile of %d', (tile) => {
  const { config, weights } = open();
  const latents = tf.ones<tf.Rank.R4>([1, 9, 8, config.latentChannels]);
  expect(() => decodeInTiles(config, weights, latents, tile)).toThrow(
    `whole number of at least 2 latents wide, to overlap with its neighbours; got ${tile}.`,
  );
});
