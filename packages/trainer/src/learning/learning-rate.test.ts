import type { TrainConfig } from '../configuration/schema';
import { learningRateAt } from './learning-rate';

const optimizer: TrainConfig['optimizer'] = {
  name: 'adamw',
  learningRate: 1,
  schedule: 'linear',
  finalLearningRateFraction: 0.2,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 1,
  warmupIterations: 0,
  storm: { units: 'first-gradient', k: 0.1, floor: 0.1, c: 100 },
};
const rates = (changes: Partial<TrainConfig['optimizer']>, iterations: number) =>
  Array.from({ length: iterations }, (_, iteration) =>
    learningRateAt({ ...optimizer, ...changes }, iteration, iterations),
  );

const near = (rate: number) => expect.closeTo(rate, 12) as number;

describe('learningRateAt', () => {
  it('falls in equal steps to the final fraction', () => {
    expect(rates({}, 5)).toEqual([1, 0.8, 0.6, 0.4, 0.2].map((rate) => near(rate)));
  });

  it('follows half a cosine', () => {
    expect(rates({ schedule: 'cosine', finalLearningRateFraction: 0 }, 5)).toEqual(
      [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0].map((rate) => near(rate)),
    );
  });

  it('stays where it is when it is constant', () => {
    expect(rates({ schedule: 'constant' }, 3)).toEqual([1, 1, 1]);
  });

  it('rises before it falls', () => {
    expect(rates({ warmupIterations: 3, finalLearningRateFraction: 0 }, 6)).toEqual(
      [0.25, 0.5, 0.75, 1, 0.5, 0].map((rate) => near(rate)),
    );
  });

  it('has a rate for a run of one iteration', () => {
    expect(rates({}, 1)).toEqual([1]);
  });
});
