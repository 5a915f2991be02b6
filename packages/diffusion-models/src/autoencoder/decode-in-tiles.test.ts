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

test("fades tiles into each other as diffusers' tiling does", () => {
  const config = parseAutoencoderConfig(JSON.parse(fixture('config.json').toString()));
  const weights = weightsFromSafetensors(
    readSafetensors(fixture('diffusion_pytorch_model.safetensors')),
  );
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
