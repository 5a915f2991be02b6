import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from '../configuration/resolve-config';
import { createOptimizer } from './create-optimizer';

test.each([
  ['adamw', {}, ['first_moment', 'second_moment']],
  [
    'storm',
    { alpha: 1, sumOfSquares: 1, gradientUnit: 5, weightUnit: expect.any(Number) as number },
    [],
  ],
])('makes the optimizer that is named: %s', (name, numbers, tensors) => {
  const { optimizer: settings } = resolveConfig({}, [
    'algorithm.clipRange=none',
    `optimizer.name=${name}`,
    'optimizer.storm.k=1',
    'optimizer.storm.c=1000',
  ]);
  const weight = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = createOptimizer([weight], settings);
  optimizer.step(tf.tensor1d([3, 4]), settings.learningRate);
  const state = optimizer.state();
  expect([state.numbers, Object.keys(state.tensors)]).toEqual([numbers, tensors]);
  // AdamW's first step is of the learning rate in each weight. STORM's along the gradient (3, 4) would change the loss as much,
  // 7 rates, but the gradient is scaled down from a norm of 5 to 1.
  const { learningRate } = settings;
  const step = { adamw: learningRate, storm: (7 * learningRate * 0.6) / 25 }[name]!;
  expect(1 - weight.dataSync()[0]!).toBeCloseTo(step, 6);
  optimizer.dispose();
});
