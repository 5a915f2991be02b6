import { layerScore, rankLayers } from './layer-score';

// Eigenvalues by hand: 3, 0, 0; 1, 1, 1; 1.5, 0.5.
test.each([
  [
    'the same row three times',
    [
      [1, 2],
      [1, 2],
      [1, 2],
    ],
    199_978.4061,
  ],
  [
    'rows of one direction',
    [
      [1, 2],
      [2, 4],
      [0.5, 1],
    ],
    199_978.4061,
  ],
  [
    'three rows at right angles',
    [
      [2, 0, 0],
      [0, 3, 0],
      [0, 0, 1],
    ],
    3,
  ],
  [
    'two rows at 60°',
    [
      [1, 0],
      [0.5, Math.sqrt(3) / 2],
    ],
    2.378967,
  ],
  ['one row', [[3, 4]], 1],
])('%s', (_, rows, expected) => {
  expect(layerScore(rows)).toBeCloseTo(expected, 4);
});

test('rows may be long', () => {
  const long = Float32Array.from({ length: 500_000 }, (_, index) => Math.sin(index));
  expect(layerScore([long, long.map((value) => -value)])).toBeCloseTo(
    Math.log(2) + 0.5 + Math.log(1e-5) + 1e5,
    3,
  );
});

test.each([
  ['no rows', [], 'A layer is scored by at least one sample.'],
  ['other lengths', [[1], [1, 2]], 'Sample 1 has 2 numbers, and sample 0 has 1.'],
  [
    'a row of zeros',
    [
      [1, 0],
      [0, 0],
    ],
    'Sample 1 has no direction: its length is 0.',
  ],
  ['NaN', [[NaN]], 'Sample 0 has no direction: its length is NaN.'],
])('refuses %s', (_, rows, sentence) => {
  expect(() => layerScore(rows)).toThrow(sentence);
});

test('layers are ranked by their mean over the samples, the largest first', () => {
  const ranked = rankLayers([
    { samples: 1, scores: { a: 8, b: 2, c: 5 } },
    { samples: 3, scores: { a: 4, b: 6, c: 5 } },
  ]);
  expect(ranked).toEqual([
    { layer: 'a', score: 5 },
    { layer: 'b', score: 5 },
    { layer: 'c', score: 5 },
  ]);
  const [first] = rankLayers([{ samples: 2, scores: { low: 1, high: 3 } }]);
  expect(first).toEqual({ layer: 'high', score: 3 });
  expect(() => rankLayers([])).toThrow('Layers are ranked by clients with samples.');
  const unlike = [
    { samples: 1, scores: { a: 1 } },
    { samples: 1, scores: { b: 1 } },
  ];
  expect(() => rankLayers(unlike)).toThrow('Client 1 has scores of other layers than client 0.');
});
