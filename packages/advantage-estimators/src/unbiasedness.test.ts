/**
 * Which estimators leave the policy gradient alone? One dimension, policy N(θ, σ²), reward r(x) = −(x − c)² + b:
 * J(θ) = −(θ − c)² − σ² + b and ∂J/∂θ = 2(c − θ), while ∂ log p/∂θ = (x − θ)/σ².
 */

import { groupMean } from './group-mean';
import { leaveOneOut } from './leave-one-out';
import { noBaseline } from './no-baseline';

const theta = 0.5;
const target = 1.25;
const sigma = 0.8;
const offset = 4;
const k = 4;
const rollouts = 40_000;
const truth = 2 * (target - theta);

/** A small seeded generator (mulberry32), standard normals by Box–Muller. */
function seededNormals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const normal = seededNormals(7);
const samples = Array.from({ length: rollouts }, () =>
  Array.from({ length: k }, () => theta + sigma * normal()),
);
const rewards = samples.map((group) => group.map((x) => offset - (x - target) ** 2));

/** Mean and standard error of the gradient estimate (1/k) Σ A_i ∂ log p(x_i)/∂θ over the groups. */
function estimate(advantages: readonly (readonly number[])[]) {
  const gradients = samples.map(
    (group, rollout) =>
      group.reduce((sum, x, i) => sum + (advantages[rollout]![i]! * (x - theta)) / sigma ** 2, 0) /
      k,
  );
  const mean = gradients.reduce((sum, value) => sum + value, 0) / rollouts;
  const square = gradients.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rollouts;
  return { mean, standardError: Math.sqrt(square / rollouts) };
}

test.each([
  { name: 'leave-one-out', advantages: leaveOneOut(rewards) },
  { name: 'no baseline', advantages: noBaseline(rewards) },
])('$name is unbiased', ({ advantages }) => {
  const { mean, standardError } = estimate(advantages);
  // 1.5 is the truth; no baseline has the largest standard error.
  expect(standardError).toBeLessThan(0.015);
  expect(Math.abs(mean - truth)).toBeLessThan(3 * standardError);
});

test('the group mean shrinks the gradient by (k − 1)/k', () => {
  const { mean, standardError } = estimate(groupMean(rewards));
  expect(Math.abs(mean - (truth * (k - 1)) / k)).toBeLessThan(3 * standardError);
  expect(truth - mean).toBeGreaterThan(30 * standardError);
});

test('far from 0 the rewards drown in their own offset, leave-one-out does not see it', () => {
  const shifted = rewards.map((group) => group.map((reward) => reward + 10));
  const leaveOut = estimate(leaveOneOut(shifted)).standardError;
  expect(leaveOut).toBeCloseTo(estimate(leaveOneOut(rewards)).standardError, 9);
  expect(estimate(noBaseline(shifted)).standardError).toBeGreaterThan(3 * leaveOut);
});
