import type { Image, Reward } from '@loop-diffusion/rewards';

import { fractionAtCeiling, groupDiversity } from './collapse-signs';

const image = (...values: number[]): Image => ({
  width: values.length / 3,
  height: 1,
  data: Float32Array.from(values),
});

describe('groupDiversity', () => {
  test('is 0 for equal images, however much prompts differ', () => {
    const [dark, light] = [image(0, 0, 0.1), image(1, 1, 0.9)];
    expect(groupDiversity([dark, dark, light, light], 2)).toBe(0);
  });

  test('is the standard deviation over the images of a prompt', () => {
    expect(groupDiversity([image(0, 0, 0), image(1, 1, 1)], 2)).toBe(0.5);
    // Variances of 0.25, 0 and 0 in the first group and of 0 in the second.
    const images = [image(0, 1, 1), image(1, 1, 1), image(0, 0, 0), image(0, 0, 0)];
    expect(groupDiversity(images, 2)).toBeCloseTo(Math.sqrt(0.25 / 6), 12);
  });

  test('is the same for bytes', () => {
    const bytes = (...values: number[]): Image => ({
      width: 1,
      height: 1,
      data: Uint8Array.from(values),
    });
    expect(groupDiversity([bytes(0, 0, 0), bytes(255, 255, 255)], 2)).toBe(0.5);
  });
});

describe('fractionAtCeiling', () => {
  const rewards = (...parts: [low: number, high: number, weight: number][]) =>
    parts.map(([low, high, weight]) => ({
      name: 'any',
      reward: { range: [low, high] } as unknown as Reward,
      weight,
    }));

  test('counts what reaches the largest sum', () => {
    expect(fractionAtCeiling([1, 0.99, 1, 0], rewards([0, 1, 1]))).toBe(0.5);
    expect(fractionAtCeiling([2, 1], rewards([0, 1, 2]))).toBe(0.5);
    // A reward with a negative weight is largest where it is smallest.
    expect(fractionAtCeiling([1, 0], rewards([0, 1, 1], [0, 5, -1]))).toBe(0.5);
  });

  test('counts in the scale of the sum, and leaves out what is only watched', () => {
    const scale = { factor: -2, offset: 4 };
    const [scaled] = rewards([0, 1, 1]);
    const watched = rewards([0, Infinity, 0]);
    expect(fractionAtCeiling([4, 2], [{ ...scaled!, scale }, ...watched])).toBe(0.5);
    expect(fractionAtCeiling([4], [{ ...scaled!, scale: 'group-z-score' }])).toBeUndefined();
  });

  test('is unknown without an end', () => {
    expect(fractionAtCeiling([1], rewards([0, Infinity, 1]))).toBeUndefined();
    expect(fractionAtCeiling([], rewards([0, 1, 1]))).toBeUndefined();
  });
});
