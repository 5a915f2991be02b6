import {
  briefMean,
  signedWithError,
  counted,
  durationInWords,
  figure,
  median,
  percent,
  signed,
  withError,
} from './words';

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 0 s'],
  [200, '3 min 20 s'],
  [1500, '25 min'],
  [3599, '60 min'],
  [7500, '2 h 5 min'],
])('durationInWords(%d) is %s', (seconds, words) => {
  expect(durationInWords(seconds)).toBe(words);
});

test.each([
  [0, '0'],
  [0.0215, '0.0215'],
  [12.345, '12.3'],
  [123.4, '123'],
  [4.12e-7, '4.1e-7'],
  [2e6, '2.0e6'],
  [-0.5, '-0.500'],
  [Number.NaN, 'NaN'],
])('figure(%d) is %s', (value, text) => {
  expect(figure(value)).toBe(text);
});

test('figures with errors, signs and percents', () => {
  expect(withError(0.8042, 0.0141)).toBe('0.804 ± 0.014');
  expect(withError(0.8042, Number.NaN)).toBe('0.804');
  expect(withError(Number.NaN, Number.NaN)).toBe('none');
  expect(signedWithError(0.152, 0.018)).toBe('+0.152 ± 0.018');
  expect(signedWithError(-0.02, Number.NaN)).toBe('−0.020');
  expect(signedWithError(Number.NaN, Number.NaN)).toBe('none');
  expect([0.746, Number.NaN, undefined].map(briefMean)).toEqual(['0.75', '–', '–']);
  expect(counted(1, 'image')).toBe('1 image');
  expect(counted(0, 'image')).toBe('0 images');
  expect(signed(0.152)).toBe('+0.152');
  expect(signed(-0.02)).toBe('−0.020');
  expect(percent(0.123)).toBe('12 %');
});

test('median of odd, even and no values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});
