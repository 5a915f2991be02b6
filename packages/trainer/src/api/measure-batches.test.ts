import * as tf from '@tensorflow/tfjs-core';

import { PIPELINE } from '../testing/fixtures';
import { measureBatches, smallestGood } from './measure-batches';

test('measures a model, and leaves nothing of it', async () => {
  const options = { model: PIPELINE, backend: 'tensorflow', guidance: 5, seconds: 0 } as const;
  await measureBatches(options);
  const tensors = tf.memory().numTensors;
  const said: string[] = [];
  const { measurements, rollout, update } = await measureBatches({
    ...options,
    onProgress: (text) => said.push(text),
  });
  expect(tf.memory().numTensors).toBe(tensors);
  // After no seconds nothing larger is begun.
  expect(measurements.length).toBe(1);
  const { batch, rolloutSeconds, updateSeconds, memoryBytes } = measurements[0]!;
  expect([rollout, update]).toEqual([batch, batch]);
  for (const value of [rolloutSeconds, updateSeconds, memoryBytes]) {
    expect(value).toBeGreaterThan(0);
  }
  expect(said).toEqual([`batch of ${batch}`]);
});

test('the smallest batch that is nearly as fast is the best', () => {
  const measurements = [5, 2.08, 2, 1.99, 2.2].map((seconds, index) => ({
    batch: 2 ** index,
    rolloutSeconds: seconds,
    updateSeconds: 10 - seconds,
    memoryBytes: 0,
  }));
  expect(smallestGood(measurements, 'rolloutSeconds')).toBe(2);
  expect(smallestGood(measurements, 'updateSeconds')).toBe(1);
});
