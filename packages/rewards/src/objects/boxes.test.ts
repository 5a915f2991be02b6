import { byScore, inReferencePixels, intersection, intersectionOverUnion } from './boxes';

it.each([
  ['the same', [0, 0, 4, 4], [0, 0, 4, 4], 16, 1],
  ['a half', [0, 0, 4, 4], [2, 0, 6, 4], 8, 8 / 24],
  ['a quarter within', [0, 0, 4, 4], [1, 1, 3, 3], 4, 0.25],
  ['apart', [0, 0, 4, 4], [5, 5, 6, 6], 0, 0],
  ['side by side', [0, 0, 4, 4], [4, 0, 8, 4], 0, 0],
  ['without area', [1, 1, 1, 1], [1, 1, 1, 1], 0, 0],
] as const)('shares what two boxes have: %s', (_, a, b, shared, iou) => {
  expect(intersection(a, b)).toBe(shared);
  expect(intersectionOverUnion(a, b)).toBe(iou);
  expect(intersectionOverUnion(b, a)).toBe(iou);
});

it('sorts by score, the earlier of equal ones first', () => {
  const detections = [0.2, 0.9, 0.2, 0.5].map((score, index) => ({
    label: String(index),
    score,
    box: [0, 0, 1, 1] as const,
  }));
  expect(byScore(detections).map(({ label }) => label)).toEqual(['1', '3', '0', '2']);
});

it('scales boxes to a longer side of 512', () => {
  const detections = [{ label: 'cat', score: 1, box: [1, 2, 3, 4] as const }];
  expect(inReferencePixels(detections, { width: 128, height: 64 })[0]!.box).toEqual([4, 8, 12, 16]);
  expect(inReferencePixels(detections, { width: 256, height: 512 })[0]!.box).toEqual([1, 2, 3, 4]);
});
