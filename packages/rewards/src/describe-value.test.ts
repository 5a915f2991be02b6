import { describeValue } from './describe-value';

const circular: { self?: object } = {};
circular.self = circular;

function* twoScores() {
  yield 1;
  yield 2;
}

test.each<[unknown, string]>([
  [0.5, '0.5'],
  [Number.NaN, 'NaN'],
  [null, 'null'],
  [undefined, 'nothing'],
  ['0.5', 'the text "0.5"'],
  ['x'.repeat(99), `the text "${'x'.repeat(60)}…"`],
  [1n, 'the bigint 1'],
  [[1, 2], 'a list of 2'],
  [Float32Array.of(1), 'a Float32Array'],
  [{ value: 1 }, '{"value":1}'],
  [circular, 'an object'],
  [() => 1, 'a function'],
  [class extends Set {}, 'a class'],
  [new Set([1]), 'a Set'],
  [new Map([['a', 1]]), 'a Map'],
  [Promise.resolve(1), 'a Promise'],
  [[1].values(), 'an Array Iterator'],
  [twoScores(), 'a Generator'],
])('describes %p', (value, expected) => {
  expect(describeValue(value)).toBe(expected);
});
