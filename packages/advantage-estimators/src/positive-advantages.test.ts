import { positiveAdvantages } from './positive-advantages';

const rewards = [[0.2, 0.5, 0.9, 0.4]];

test('the best of four has its leave-one-out advantage', () => {
  const [one] = positiveAdvantages(rewards, { chosen: 1 });
  one!.forEach((weight, sample) => expect(weight).toBeCloseTo([0, 0, 1.6 / 3, 0][sample]!, 12));
});

test('of the chosen only those above the mean of the others count', () => {
  const spread = [[5, 1, 4, 2]];
  const weights = (chosen: number | 'all') => positiveAdvantages(spread, { chosen })[0];
  // (4/3)(r − 3)
  const [best, second] = [(4 / 3) * 2, 4 / 3];
  expect(weights(1)).toEqual([best, 0, 0, 0]);
  for (const chosen of [2, 3, 9, 'all'] as const) {
    expect(weights(chosen)).toEqual([best, 0, second, 0]);
  }
});

test('of two the better has the whole gap; equal rewards have none', () => {
  expect(positiveAdvantages([[1, 4]], { chosen: 1 })).toEqual([[0, 3]]);
  expect(positiveAdvantages([[2, 2, 2]], { chosen: 'all' })).toEqual([[0, 0, 0]]);
});

test('the first of equals is chosen, and never a masked one', () => {
  expect(positiveAdvantages([[0, 3, 3]], { chosen: 1 })).toEqual([[0, 1.5, 0]]);
  expect(positiveAdvantages([[0, 9, 3]], { chosen: 1 }, [[true, false, true]])).toEqual([
    [0, 0, 3],
  ]);
});

test.each([0, 1.5, -1, NaN])('%p chosen are refused', (chosen) => {
  expect(() => positiveAdvantages(rewards, { chosen })).toThrow(/whole number of at least 1/);
});
