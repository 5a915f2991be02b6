import { policyMean, stepSigmas } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { momentOf, predict } from '../policy/predict';
import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { trainedWeights, withWeights } from '../weights/trained-weights';
import { klInRewards } from './kl-in-rewards';

const { signal } = new AbortController();
let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

const divergencesFrom = (base: TinyPolicy['policy'], update: number) =>
  klInRewards(
    { policy: tiny.policy, base, config: { batch: { update } } },
    { ...tiny.drawn, trainedSteps: [0, 1], noise: tiny.noise, signal },
  );

test('is the mean over the steps of the divergence of the policy that drew from the base', async () => {
  const weights = Object.values(trainedWeights(tiny.policy)).map((weight) => tf.add(weight, 0.1));
  const base = withWeights(tiny.policy, weights);
  const expected = [0, 1, 2, 3].map((sample) => {
    const ofSteps = [0, 1].map((step) => {
      const rows = tiny.drawn.trajectories.gather([{ sample, step }]);
      const moment = momentOf(tiny.policy, rows.steps);
      const means = [tiny.policy, base].map((policy) => {
        const output = predict(policy, rows.sample, moment.timesteps, tiny.drawn);
        return policyMean(policy.schedule, moment.step, rows.sample, output);
      });
      const [sigma] = stepSigmas(moment.step).dataSync();
      const square = tf.losses.meanSquaredError(means[0]!, means[1]!).dataSync()[0]!;
      return square / (2 * sigma! ** 2);
    });
    return (ofSteps[0]! + ofSteps[1]!) / 2;
  });
  for (const batch of [3, 8]) {
    const divergences = await divergencesFrom(base, batch);
    expect(divergences).toHaveLength(4);
    for (const [image, divergence] of divergences.entries()) {
      // μ_old is recovered from x_{t−1} − σ z, whose rounding is large against the smallest σ.
      expect(Math.abs(divergence / expected[image]! - 1)).toBeLessThan(1e-3);
    }
  }
});

test('from itself a policy does not differ, and nothing is left', async () => {
  const before = tf.memory().numTensors;
  for (const divergence of await divergencesFrom(tiny.policy, 4)) {
    expect(divergence).toBeLessThan(1e-8);
  }
  expect(tf.memory().numTensors).toBe(before);
});
