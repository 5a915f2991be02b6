import { noiseWindow, type NoiseWindowOptions } from './noise-window';

const published: NoiseWindowOptions = { size: 4, stride: 1, every: 25, order: 'sliding' };

/** The first step of the window in each iteration. */
function starts(options: Partial<NoiseWindowOptions>, steps: number, iterations: number, seed = 0) {
  const trainable = Array.from({ length: steps }, (_, index) => index);
  return Array.from({ length: iterations }, (_, iteration) => {
    const window = noiseWindow({ ...published, ...options }, trainable, seed, iteration);
    expect(window).toEqual(window.map((_, index) => window[0]! + index));
    return window[0];
  });
}

test("MixGRPO's window of 4 of 25 steps moves by 1 every 25 iterations", () => {
  const steps = Array.from({ length: 25 }, (_, index) => index);
  const at = (iteration: number) => noiseWindow(published, steps, 0, iteration);
  expect([at(0), at(24), at(25), at(525)]).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
    [1, 2, 3, 4],
    [21, 22, 23, 24],
  ]);
  // And rolls back after the last.
  expect([at(549), at(550)]).toEqual([
    [21, 22, 23, 24],
    [0, 1, 2, 3],
  ]);
});

test('slides over every step, whatever the stride', () => {
  expect(starts({ size: 3, stride: 2, every: 1 }, 7, 7)).toEqual([0, 2, 4, 0, 2, 4, 0]);
  // The last place is nearer than a stride.
  expect(starts({ size: 3, stride: 3, every: 1 }, 7, 7)).toEqual([0, 3, 4, 0, 3, 4, 0]);
  expect(starts({ size: 3, stride: 9, every: 2 }, 7, 7)).toEqual([0, 0, 4, 4, 0, 0, 4]);
});

test('counts the steps that may have noise, and no others', () => {
  const options = { size: 2, stride: 1, every: 1, order: 'sliding' } as const;
  const windows = [0, 1, 2].map((iteration) => noiseWindow(options, [1, 2, 5, 7], 0, iteration));
  expect(windows).toEqual([
    [1, 2],
    [2, 5],
    [5, 7],
  ]);
});

test.each(['sliding', 'random', 'fixed'] as const)(
  'a window of all steps or more is all of them, %s',
  (order) => {
    for (const size of [3, 4]) {
      for (const iteration of [0, 1, 2]) {
        const options = { size, stride: 1, every: 1, order };
        expect(noiseWindow(options, [0, 1, 3], 0, iteration)).toEqual([0, 1, 3]);
      }
    }
  },
);

test('a fixed window stays at the noisiest steps', () => {
  expect(starts({ every: 1, order: 'fixed' }, 10, 3)).toEqual([0, 0, 0]);
});

test('a random window is drawn when it moves, the same for the same seed, each place as often', () => {
  const random = { size: 3, every: 2, order: 'random' } as const;
  const drawn = starts(random, 7, 6000, 5);
  expect(starts(random, 7, 6000, 5)).toEqual(drawn);
  expect(starts(random, 7, 6000, 6)).not.toEqual(drawn);
  const moves = drawn.filter((start, iteration) => {
    const isFirst = iteration % 2 === 0;
    if (!isFirst) expect(start).toBe(drawn[iteration - 1]);
    return isFirst;
  });
  for (const place of [0, 1, 2, 3, 4]) {
    // Binomial, 3000 times p = 1/5: standard deviation 22, and five of them.
    expect(Math.abs(moves.filter((start) => start === place).length - 600)).toBeLessThan(110);
  }
});
