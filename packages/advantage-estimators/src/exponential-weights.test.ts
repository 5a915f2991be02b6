import { exponentialWeights } from './exponential-weights';

const rewards = [[0.2, 0.5, 0.9, 0.4]];

test('the exponential of the z-score within the prompt', () => {
  const expected = [0.308295, 1, 4.801503, 0.675547];
  const [all] = exponentialWeights(rewards, { beta: 1, chosen: 'all' });
  all!.forEach((weight, sample) => expect(weight).toBeCloseTo(expected[sample]!, 6));
  const [one] = exponentialWeights(rewards, { beta: 1, chosen: 1 });
  expect(one).toEqual([0, 0, all![2], 0]);
  const [half] = exponentialWeights(rewards, { beta: 0.5, chosen: 2 });
  const roots = [0, 1, Math.sqrt(4.801503), 0];
  half!.forEach((weight, sample) => expect(weight).toBeCloseTo(roots[sample]!, 6));
});

test('scores end at ± 8', () => {
  // One among a hundred equals is 9.95 deviations away.
  const outlier = [[...Array.from({ length: 99 }, () => 0), 1]];
  const [weights] = exponentialWeights(outlier, { beta: 1, chosen: 1 });
  expect(weights![99]).toBe(Math.exp(8));
});

test('equal rewards weigh 1, lone ones nothing', () => {
  expect(exponentialWeights([[3, 3]], { beta: 2, chosen: 'all' })).toEqual([[1, 1]]);
  for (const chosen of [1, 'all'] as const) {
    expect(exponentialWeights([[3, 4]], { beta: 1, chosen }, [[true, false]])).toEqual([[0, 0]]);
  }
});

test('what makes no sense is refused', () => {
  expect(() => exponentialWeights(rewards, { beta: -1, chosen: 1 })).toThrow(/beta.*got -1/);
  expect(() => exponentialWeights(rewards, { beta: 1, chosen: 0 })).toThrow(/chosen.*got 0/);
});
