import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from '../configuration/resolve-config';
import { createOptimizer } from './create-optimizer';

test.each([
  ['adamw', {}, ['first_moment', 'second_moment']],
  ['storm', { alpha: 1, sumOfSquares: 25 }, []],
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
  // AdamW's first step is of the learning rate, STORM's of 1 / ∛25.1 along a gradient that is scaled down to 1.
  const step = { adamw: settings.learningRate, storm: 0.6 / Math.cbrt(25.1) }[name]!;
  expect(1 - weight.dataSync()[0]!).toBeCloseTo(step, 5);
  optimizer.dispose();
});
