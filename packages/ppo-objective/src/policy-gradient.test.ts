/**
 * Is the gradient the right one? A policy N(θ, σ² I) with reward −|x − c|² has J(θ) = −|θ − c|² − Dσ² and
 * ∇J = 2(c − θ). The objectives take log-probabilities averaged over the D dimensions, so they see ∇J / D.
 */

import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { reinforce } from './reinforce';

const theta = [0.3, -0.4, 0.1];
const target = [0.8, 0.2, -0.5];
const dimensions = theta.length;
const sigma = 0.7;
const rollouts = 4000;
const perRollout = 8;

/** Mean log-density per dimension without its constant, `[rollouts · perRollout]`. */
function logProb(means: tf.Tensor3D, samples: tf.Tensor3D): tf.Tensor1D {
  const square = tf.mean(tf.square(tf.sub(samples, means)), 2);
  return tf.reshape(tf.mul(square, -0.5 / sigma ** 2), [rollouts * perRollout]);
}

/** One gradient per rollout, `[rollouts, dimensions]`: each has a θ of its own, so a single backward pass gives all. */
function rolloutGradients(
  loss: (logProb: tf.Tensor1D, old: tf.Tensor1D, advantages: tf.Tensor1D) => tf.Scalar,
): number[][] {
  return tf.tidy(() => {
    const policy = tf.tile(tf.tensor3d(theta, [1, 1, dimensions]), [rollouts, 1, 1]);
    const noise = tf.randomNormal([rollouts, perRollout, dimensions], 0, sigma, 'float32', 11);
    const samples = tf.add<tf.Tensor3D>(policy, noise);
    const rewards = tf.neg(tf.sum(tf.square(tf.sub(samples, tf.tensor1d(target))), 2));
    // Leave one out: A = K/(K−1) · (r − mean of the rollout's rewards).
    const centred = tf.sub(rewards, tf.mean(rewards, 1, true));
    const advantages = tf.reshape(tf.mul(centred, perRollout / (perRollout - 1)), [-1]);
    const old = logProb(policy, samples);
    const gradient = tf.grad((means) =>
      loss(logProb(means as tf.Tensor3D, samples), old, advantages as tf.Tensor1D),
    )(policy);
    // The loss averages over all rollouts; undone here.
    return tf.reshape(tf.mul(gradient, rollouts), [rollouts, dimensions]).arraySync() as number[][];
  });
}

test.each([
  {
    name: 'REINFORCE',
    loss: (now: tf.Tensor1D, _old: tf.Tensor1D, advantages: tf.Tensor1D) =>
      reinforce({ logProb: now, advantages }),
  },
  {
    name: 'the clipped surrogate before the first update',
    loss: (now: tf.Tensor1D, old: tf.Tensor1D, advantages: tf.Tensor1D) =>
      clippedSurrogate({ logProb: now, oldLogProb: old, advantages, clipRange: 1e-4 }),
  },
])(
  'the expectation of $name on leave-one-out advantages is the true policy gradient',
  ({ loss }) => {
    const gradients = rolloutGradients(loss);
    for (let axis = 0; axis < dimensions; axis += 1) {
      const values = gradients.map((gradient) => gradient[axis]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / rollouts;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rollouts - 1);
      const standardError = Math.sqrt(variance / rollouts);
      // The loss descends, so minus ∇J / D: −.333, −.4, .4.
      const truth = (-2 * (target[axis]! - theta[axis]!)) / dimensions;
      expect(standardError).toBeLessThan(0.01);
      // A seeded draw; 3 standard errors on three axes would fail one honest seed in 120.
      expect(Math.abs(mean - truth)).toBeLessThan(3 * standardError);
    }
  },
);
