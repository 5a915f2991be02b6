import { estimate, meanOf, meanSquare, resamplePrompts } from './bootstrap';

const ones = (count: number) => new Float64Array(count).fill(1);

test('a resample has as many prompts, the same for the same seed', () => {
  const resamples = resamplePrompts(40, 3);
  for (const counts of resamples) expect(counts.reduce((sum, count) => sum + count)).toBe(40);
  expect(resamplePrompts(40, 3)).toEqual(resamples);
  expect(resamplePrompts(40, 4)[0]).not.toEqual(resamples[0]);
  // Every prompt comes as often as any other: 1000 ± 4 standard deviations.
  for (let prompt = 0; prompt < 40; prompt += 1) {
    const times = resamples.reduce((sum, counts) => sum + counts[prompt]!, 0);
    expect(Math.abs(times - 1000)).toBeLessThan(4 * Math.sqrt(1000));
  }
});

test('the interval of a mean is two standard errors to each side', () => {
  const values = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 1 : -1));
  const resamples = resamplePrompts(100, 0);
  const { value, low, high } = estimate(100, resamples, (counts) => meanOf(values, counts));
  expect(value).toBe(0);
  for (const side of [-low, high]) expect(Math.abs(side - 0.196)).toBeLessThan(0.03);
});

test('the square of a mean is not that of its noise', () => {
  // Vectors 3, −1 and 4.
  const products = Float64Array.from(
    [3, -1, 4].flatMap((one) => [3, -1, 4].map((other) => one * other)),
  );
  expect(meanSquare(products, ones(3))).toBeCloseTo((-3 + 12 - 4) / 3, 12);
  expect(meanSquare(products, Float64Array.of(2, 0, 1))).toBeCloseTo(12, 12);
});
