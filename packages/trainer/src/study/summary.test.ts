import { exampleEvaluation } from '../testing/example-run';
import type { Outcome } from './outcome';
import { summarizeStudy } from './summary';

const NONE = Number.NaN;

function outcome(variant: string, seed: number, before: number[], after: number[]): Outcome {
  const at = (images: number, rewards: number[]) => ({
    ...{ iterations: images / 64, images, passes: 10 * images, seconds: images / 32 },
    record: {
      ...exampleEvaluation('x', rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length),
      ...{ rewards, imageFamilies: ['a', 'b'] },
    },
  });
  const evaluations = [at(0, before), at(640, after)];
  return { variant, seed, folder: '', total: at(640, after), evaluations, training: [] };
}

test('variants are compared where both have a seed and an image', () => {
  const { variants, pairs, before } = summarizeStudy(
    [
      outcome('one', 0, [0.2, 0.4], [0.6, 0.8]),
      outcome('one', 1, [0.2, 0.4], [0.4, NONE]),
      outcome('two', 0, [0.2, 0.4], [0.5, 0.9]),
    ],
    ['one', 'two'],
    [],
  );
  expect(before.value).toBeCloseTo(0.3, 12);
  expect(variants.map(({ mean }) => mean.value)).toEqual([
    expect.closeTo(0.6, 12),
    expect.closeTo(0.7, 12),
  ]);
  // 0.6 − 0.5 and 0.8 − 0.9.
  expect(pairs[0]?.difference.value).toBeCloseTo(0, 12);
  expect(pairs[0]?.win.value).toBe(0.5);
  expect(variants[0]?.families.map(({ value }) => value)).toEqual([0.5, 0.8]);
  // The middle of 0.3 and 0.7, which a straight line from 0.3 to 0.7 reaches half-way.
  expect(variants[1]?.reached[0]?.reward).toBeCloseTo(0.5, 12);
  expect(variants[1]?.reached[0]?.spent.images).toBeCloseTo(320, 9);
  expect(variants[1]?.area.value).toBeCloseTo(0.5, 12);
});

test('where nothing was learnt there is nothing to be reached', () => {
  const { variants } = summarizeStudy([outcome('one', 0, [0.5, 0.5], [0.4, 0.4])], ['one'], []);
  expect(variants[0]?.reached).toEqual([]);
});

test('a variant without any reward does not hide what the others reach', () => {
  const { variants, pairs } = summarizeStudy(
    [outcome('one', 0, [0.2, 0.4], [0.6, 0.8]), outcome('two', 0, [NONE, NONE], [NONE, NONE])],
    ['one', 'two'],
    [],
  );
  expect(variants[0]?.reached[0]?.reward).toBeCloseTo(0.5, 12);
  expect(variants[1]?.mean.value).toBeNaN();
  expect(pairs[0]?.win.value).toBeNaN();
});

test('on different prompts nothing is paired', () => {
  const outcomes = ['one', 'two'].map((name) => outcome(name, 0, [0.2, 0.4], [0.6, 0.8]));
  expect(summarizeStudy(outcomes, ['one', 'two'], [], false).pairs).toEqual([]);
});
