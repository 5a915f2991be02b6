import { meanWithError, pairedGain } from './statistics';

describe('meanWithError', () => {
  it('is the mean and s/√n', () => {
    // s² = (1 + 0 + 1) / 2 = 1
    expect(meanWithError([1, 2, 3])).toEqual({
      mean: 2,
      standardError: expect.closeTo(1 / Math.sqrt(3), 12),
    });
  });
});

describe('pairedGain', () => {
  it('takes the error of the differences, not of the two means', () => {
    expect(pairedGain([0, 10, 20], [1, 11, 21])).toEqual({ mean: 1, standardError: 0, count: 3 });
  });

  it('leaves an image out of both sides when one of them has no value', () => {
    const none = Number.NaN;
    expect(pairedGain([0, none, 5, 20], [1, 11, none, 22])).toEqual({
      mean: 1.5,
      standardError: expect.closeTo(0.5, 12),
      count: 2,
    });
  });

  it('refuses lists of other images', () => {
    expect(() => pairedGain([1], [1, 2])).toThrow('1 and 2');
  });
});
