import * as tf from '@tensorflow/tfjs-core';
import { planDenoiseSteps } from './denoise-plan';
import { createNoiseSchedule } from './noise-schedule';
import { classifierFreeGuidance, gaussianLogProb, policyMean } from './policy-step';
import { parseSchedulerConfig } from './scheduler-config';

const schedule = createNoiseSchedule(parseSchedulerConfig({}));
const [step] = planDenoiseSteps(schedule, { steps: 2, eta: 1 });

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

test.each<[string, (given: tf.Tensor) => tf.Tensor]>([
  ['policyMean', (given) => policyMean(schedule, step!, tf.neg(given), given)],
  ['gaussianLogProb', (given) => gaussianLogProb(tf.neg(given), given, 0.5)],
  ['classifierFreeGuidance', (given) => classifierFreeGuidance(tf.neg(given), given, 2)],
])('%s says what to import for a gradient, and only for one', (_, f) => {
  const x = tf.tensor2d([[1, 2]]);
  withoutGradients(() => {
    expect(() => tf.grad(f)(x)).toThrow(
      /npm install @tensorflow\/tfjs-layers.*tfjs-core\/dist\/register_all_gradients/,
    );
    expect(f(x).rank).toBeGreaterThan(0);
  });
  expect(tf.grad(f)(x).shape).toEqual([1, 2]);
});
