import { lanczosSpectrum } from './lanczos-spectrum';

const diagonal = (values: readonly number[]) => (vector: Float64Array) =>
  vector.map((value, index) => value * values[index]!);

test('finds each eigenvalue, and its share of the start', async () => {
  const start = [1, 2, 2, 4];
  const { values, shares } = await lanczosSpectrum(diagonal([-1, 0, 0.5, 9]), { start });
  // A start of length 5: shares are squares over 25.
  for (const [index, value] of [-1, 0, 0.5, 9].entries()) {
    expect(values[index]).toBeCloseTo(value, 10);
    expect(shares[index]).toBeCloseTo(start[index]! ** 2 / 25, 10);
  }
});

test('an eigenvalue that is there several times has one value with all its share', async () => {
  const { values, shares } = await lanczosSpectrum(diagonal([2, 2, 2, 5]), { start: [1, 1, 1, 1] });
  expect(values).toHaveLength(2);
  expect(values[0]).toBeCloseTo(2, 10);
  expect(shares[0]).toBeCloseTo(0.75, 10);
});

test('a few steps keep the moments of the density', async () => {
  const eigenvalues = Array.from({ length: 60 }, (_, index) => Math.cos(index) * index);
  const start = eigenvalues.map(() => 1);
  const { values, shares } = await lanczosSpectrum(diagonal(eigenvalues), { start, steps: 5 });
  expect(values).toHaveLength(5);
  // A Gauss quadrature of n nodes is exact for powers up to 2n − 1.
  for (let power = 0; power <= 9; power += 1) {
    const expected = eigenvalues.reduce((sum, value) => sum + value ** power / 60, 0);
    const found = values.reduce((sum, value, index) => sum + shares[index]! * value ** power, 0);
    expect(found / expected).toBeCloseTo(1, 8);
  }
});

test('refuses a start without a direction, and products that are not finite', async () => {
  await expect(lanczosSpectrum(diagonal([1]), { start: [0] })).rejects.toThrow(
    'The start has no direction: its length is 0.',
  );
  await expect(lanczosSpectrum(diagonal([NaN]), { start: [1] })).rejects.toThrow(
    'A product with the matrix is not finite.',
  );
});
