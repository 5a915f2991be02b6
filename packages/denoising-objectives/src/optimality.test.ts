import { optimality } from './optimality';

test('advantages within ± the limit become probabilities', () => {
  expect(optimality([5, 0, -5, 2.5, 50, -50], 5)).toEqual([1, 0.5, 0, 0.75, 1, 0]);
  expect(optimality(Float32Array.of(1), 1)).toEqual([1]);
  expect(() => optimality([1], 0)).toThrow(/limit.*above 0, got 0/);
});
