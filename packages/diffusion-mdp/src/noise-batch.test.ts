import type * as tf from '@tensorflow/tfjs-core';
import { counterNormal } from './counter-noise';
import { noiseBatch } from './noise-batch';

test('each row is the noise of its key, whatever stands beside it', () => {
  const keys = [3, 1].map((sample) => ({ seed: 7, prompt: 2, sample, step: 5 }));
  const images: tf.Tensor4D = noiseBatch(keys, [2, 3, 4]);
  expect(images.shape).toEqual([2, 2, 3, 4]);
  expect([...images.dataSync()]).toEqual(keys.flatMap((key) => [...counterNormal(key, 24)]));
  const points: tf.Tensor2D = noiseBatch(keys.slice(1), [3]);
  expect([...points.dataSync()]).toEqual([...counterNormal(keys[1]!, 3)]);
  expect(noiseBatch([], [2]).shape).toEqual([0, 2]);
});
