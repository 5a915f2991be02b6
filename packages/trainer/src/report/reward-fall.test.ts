import { createRewardWatch } from './reward-fall';

const levels = (means: readonly number[]) => means.map((mean) => ({ mean, std: 0.2 }));

function fellAt(means: readonly number[]): number[] {
  const watch = createRewardWatch();
  return levels(means).flatMap((level, iteration) => (watch.observe(level) ? [iteration] : []));
}

test('a fall by half a deviation, held for five iterations, is one', () => {
  const rising = [0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6];
  expect(fellAt([...rising, 0.55, 0.52, 0.58])).toEqual([]);
  // One bad iteration is no collapse: the mean of five falls by 0.08 there.
  expect(fellAt([...rising, 0.2, 0.6, 0.6])).toEqual([]);
  // Means of five: 0.52, 0.44.
  expect(fellAt([...rising, 0.2, 0.2])).toEqual([9]);
});

test('iterations without a reward say nothing', () => {
  expect(fellAt([0.5, 0.5, 0.5, 0.5, 0.5, NaN, NaN, NaN, NaN, NaN])).toEqual([]);
});

test('what is known goes on from its state', () => {
  const [straight, first, second] = [createRewardWatch(), createRewardWatch(), createRewardWatch()];
  const means = [0.6, 0.6, 0.6, 0.6, 0.6, 0.3, 0.3, 0.2];
  const expected = levels(means).map((level) => straight.observe(level));
  const seen = levels(means.slice(0, 6)).map((level) => first.observe(level));
  second.restore(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>);
  const rest = levels(means.slice(6)).map((level) => second.observe(level));
  expect([...seen, ...rest]).toEqual(expected);
  expect(expected.at(-1)).toBe(true);
});
