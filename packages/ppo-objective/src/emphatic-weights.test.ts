import { emphaticWeights } from './emphatic-weights';

const ratios = [1.2, 0.9, 1.1];
const weighed = (weights: readonly number[]): number[] =>
  weights.map((weight, step) => weight * ratios[step]!);

/** Sums and products of a few numbers in float64. */
const close = (given: readonly number[], expected: readonly number[]) => {
  expect(given).toHaveLength(expected.length);
  for (const [step, value] of given.entries()) expect(value).toBeCloseTo(expected[step]!, 12);
};

test('without λ each step has its own ratio', () => {
  close(weighed(emphaticWeights(ratios, { interest: 'ace', lambda: 0 })), ratios);
});

test('from the start a step has the ratios of all before it', () => {
  close(weighed(emphaticWeights(ratios, { interest: 'trajectory' })), [1.2, 1.08, 1.188]);
});

test('with interest in every step the weights grow', () => {
  close(weighed(emphaticWeights(ratios, { interest: 'ace', lambda: 1 })), [1.2, 1.98, 3.278]);
});

test('on-policy, from the start all steps count alike', () => {
  expect(emphaticWeights([1, 1, 1], { interest: 'trajectory' })).toEqual([1, 1, 1]);
});

test('what is no number is refused', () => {
  expect(() => emphaticWeights([1, Number.NaN], { interest: 'ace' })).toThrow('step 1');
  expect(() => emphaticWeights([1], { interest: 'ace', lambda: 2 })).toThrow('from 0 to 1');
  expect(() => emphaticWeights([1], { interest: 'none' as 'ace' })).toThrow(
    'interest must be one of trajectory, ace, got none.',
  );
});
