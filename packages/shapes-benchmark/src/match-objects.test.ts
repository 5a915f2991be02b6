import { matchObjects } from './match-objects';

describe('matchObjects', () => {
  it('takes the best sum, not the best first pair', () => {
    expect(
      matchObjects([
        [0.9, 0.8],
        [0.8, 0.1],
      ]),
    ).toEqual([1, 0]);
  });

  it('leaves the surplus of either side alone', () => {
    expect(matchObjects([[0.1, 0.5, 0.2]])).toEqual([1]);
    expect(matchObjects([[0.1], [0.5], [0.2]])).toEqual([-1, 0, -1]);
    expect(matchObjects([[], []])).toEqual([-1, -1]);
  });

  it('pairs as many as it can even at quality 0', () => {
    expect(matchObjects([[0], [0]]).filter((found) => found >= 0)).toHaveLength(1);
  });
});
