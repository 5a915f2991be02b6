import { mixBits, permutation, uniform } from './random';

test("the mixing is MurmurHash3's", () => {
  // fmix32 of smhasher's MurmurHash3.cpp.
  expect(mixBits(0)).toBe(0);
  expect(mixBits(1)).toBe(0x514e28b7);
});

test('numbers are uniform and those of neighbouring names independent', () => {
  const count = 20_000;
  const numbers = Array.from({ length: count }, (_, index) => uniform(3, 1, index));
  const mean = numbers.reduce((sum, value) => sum + value, 0) / count;
  // Five standard errors: of a mean √(1/12n), of a product of two centred ones 1/(12√n).
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / (12 * count)));
  for (const other of [
    (index: number) => uniform(3, 1, index + 1),
    (i: number) => uniform(4, 1, i),
  ]) {
    const covariance =
      numbers.reduce((sum, value, index) => sum + (value - 0.5) * (other(index) - 0.5), 0) / count;
    expect(Math.abs(covariance)).toBeLessThan(5 / (12 * Math.sqrt(count)));
  }
});

test('the same names give the same number, others or another order do not', () => {
  expect(uniform(1, 2, 3)).toBe(uniform(1, 2, 3));
  const all = [
    uniform(1, 2, 3),
    uniform(1, 3, 2),
    uniform(2, 1, 3),
    uniform(1, 2),
    uniform(1, 2, 3, 0),
  ];
  expect(new Set(all).size).toBe(5);
});

test('a permutation has every number once, and all orders occur', () => {
  const orders = Array.from({ length: 200 }, (_, index) => permutation(3, 7, index));
  orders.forEach((order) => expect([...order].sort()).toEqual([0, 1, 2]));
  expect(new Set(orders.map(String)).size).toBe(6);
});
