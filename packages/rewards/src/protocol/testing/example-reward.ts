import type { Reward } from '../../reward';
import { numberIn } from './example-images';

/** Reads the number in an image; `overrides` replaces what it is or how it scores. */
export function numberReward(overrides: Partial<Reward> = {}): Reward {
  return {
    name: 'number',
    version: '1',
    range: [0, 2 ** 24],
    batchSize: 8,
    score: ({ images }) =>
      Promise.resolve(images.map((image) => ({ ok: true, value: numberIn(image) }))),
    ...overrides,
  };
}
