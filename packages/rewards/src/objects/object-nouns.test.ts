import type { ObjectDetector } from './object-detector';
import { namingOf } from './object-nouns';

const detectorOf = (labels: ObjectDetector['labels']): ObjectDetector => ({
  version: '1',
  labels,
  detect: () => Promise.resolve([]),
});
const few = detectorOf(
  new Set([
    'person',
    'boat',
    'couch',
    'dining table',
    'cell phone',
    'tv',
    'keyboard',
    'bear',
    'teddy bear',
  ]),
);

it.each([
  ['man', 'person'],
  ['girl', 'person'],
  ['ship', 'boat'],
  ['couch', 'couch'],
  ['sofa', 'couch'],
  ['television', 'tv'],
])('knows %s as %s', (noun, label) => {
  expect(namingOf(noun, few)?.label).toBe(label);
});

it.each(['lamp', 'key', 'sofa bed', 'picture'])('does not know %s', (noun) => {
  expect(namingOf(noun, few)).toBeUndefined();
});

it('takes a longer label of whole words', () => {
  expect(namingOf('table', few)?.loosely('dining table')).toBe(true);
  expect(namingOf('phone', few)?.loosely('cell phone')).toBe(true);
  expect(namingOf('bear', few)?.loosely('teddy bear')).toBe(true);
  expect(namingOf('person', few)?.loosely('teddy bear')).toBe(false);
});

it('asks a detector of an open vocabulary for the noun itself', () => {
  const open = detectorOf('any');
  expect(namingOf('lamp', open)?.label).toBe('lamp');
  expect(namingOf('sofa', open)?.label).toBe('sofa');
  expect(namingOf('woman', open)?.label).toBe('person');
});
