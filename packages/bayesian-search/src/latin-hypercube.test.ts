import { latinHypercube } from './latin-hypercube';

const names = [0, 1];

test.each([{ centred: false }, { centred: true }, { centred: true, tries: 8 }])(
  'every cell of every axis has one point: %p',
  (options) => {
    const points = latinHypercube(7, 3, { names, ...options });
    for (const axis of [0, 1, 2]) {
      const cells = points.map((point) => Math.floor(point[axis]! * 7)).sort();
      expect(cells).toEqual([0, 1, 2, 3, 4, 5, 6]);
    }
    expect(latinHypercube(7, 3, { names, ...options })).toEqual(points);
    expect(latinHypercube(7, 3, { names: [0, 2], ...options })).not.toEqual(points);
  },
);

test('centred points average a linear function exactly', () => {
  const points = latinHypercube(9, 2, { names, centred: true });
  const mean = points.reduce((sum, [first = 0, second = 0]) => sum + 3 * first - second, 0) / 9;
  expect(mean).toBeCloseTo(1, 12);
});

test('of more tries the widest is taken', () => {
  const nearest = (tries: number) => {
    const points = latinHypercube(6, 2, { names, centred: true, tries });
    const distances = points.flatMap((a, i) =>
      points.slice(i + 1).map((b) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)),
    );
    return Math.min(...distances);
  };
  expect(nearest(32)).toBeGreaterThan(nearest(1));
});

test('one point is no problem', () => {
  expect(latinHypercube(1, 2, { names, centred: true, tries: 4 })).toEqual([[0.5, 0.5]]);
});
