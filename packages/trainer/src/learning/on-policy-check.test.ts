import { checkOnPolicy, onPolicyTolerance } from './on-policy-check';

test.each([
  ['a small latent', 8e-4, 5e-5],
  ['Stable Diffusion 1.5', 1e-4, 1e-5],
  ['Stable Diffusion XL', 5e-5, 1e-5],
  ['a range below the noise of float32', 1e-6, 1e-5],
])('%s: a log-ratio is 0 when it is far within the clip range', (_, clipRange, tolerance) => {
  expect(onPolicyTolerance(clipRange)).toBeCloseTo(tolerance, 12);
});

test('a policy that is off by the whole clip range of a large latent is found', () => {
  const pair = (logProb: number) => ({ sample: 0, step: 0, logProb, oldLogProb: 1 });
  const clipRange = 5e-5;
  expect(() => {
    checkOnPolicy([pair(1 + 2e-6)], clipRange);
  }).not.toThrow();
  expect(() => {
    checkOnPolicy([pair(1), pair(1 + 0.9 * clipRange)], clipRange);
  }).toThrow('|log ratio| is 4.50e-5 in row 1');
});
