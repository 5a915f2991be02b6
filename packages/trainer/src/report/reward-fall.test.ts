import { createRewardWatch } from './reward-fall';

const levels = (means: readonly number[], images = 64) =>
  means.map((mean) => ({ mean, std: 0.2, images }));

function fellAt(means: readonly number[], images?: number): number[] {
  const watch = createRewardWatch();
  return levels(means, images).flatMap((level, iteration) =>
    watch.observe(level) ? [iteration] : [],
  );
}

test('a fall by four standard errors, of five iterations’ means, is one', () => {
  const rising = [0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6];
  // A deviation of 0.2 and 320 images a window: four errors of a difference are 0.063.
  expect(fellAt([...rising, 0.55, 0.52, 0.58])).toEqual([]);
  // One bad iteration is no collapse: the mean of five falls by 0.04 there.
  expect(fellAt([...rising, 0.4, 0.6, 0.6])).toEqual([]);
  // Means of five: 0.56, 0.52.
  expect(fellAt([...rising, 0.4, 0.4])).toEqual([9]);
  // Of a sixteenth of the images four errors are 0.25, and of many a quarter of the deviation counts.
  expect(fellAt([...rising, 0.4, 0.4], 4)).toEqual([]);
  expect(fellAt([...rising, 0.4], 1e6)).toEqual([]);
  expect(fellAt([...rising, 0.3], 1e6)).toEqual([8]);
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
