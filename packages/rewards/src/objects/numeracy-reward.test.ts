import type { Image } from '../image';
import { scoreAll } from '../score-all';
import { mergeSameThings, numeracyReward } from './numeracy-reward';
import type { Box, Detection, ObjectDetector } from './object-detector';

const image: Image = { width: 512, height: 512, data: new Uint8Array(512 * 512 * 3) };
const thing = (label: string, box: Box, score = 0.5): Detection => ({ label, score, box });
/** Boxes side by side. */
const several = (label: string, count: number, y = 0): Detection[] =>
  Array.from({ length: count }, (_, index) =>
    thing(label, [50 * index, y, 50 * index + 40, y + 40]),
  );

function detectorOf(...found: Detection[]) {
  return {
    version: 'fake:1',
    labels: new Set(['cat', 'dog', 'person', 'couch', 'dining table']),
    detect: jest.fn(() => Promise.resolve(found)),
  } satisfies ObjectDetector;
}

async function score(prompt: string, detector: ObjectDetector) {
  const [result] = await scoreAll(numeracyReward({ detector }), {
    images: [image],
    prompts: [prompt],
  });
  return result;
}

it.each([
  ['three dogs and two cats', 3, 2, 1],
  ['three dogs and two cats', 3, 1, 0.75],
  ['three dogs and two cats', 4, 1, 0.5],
  ['three dogs and two cats', 3, 0, 0.5],
  ['three dogs and two cats', 1, 0, 0.25],
  ['three dogs and two cats', 0, 0, 0],
  ['three dogs', 3, 5, 1],
])('%s, of which there are %i and %i', async (prompt, dogs, cats, expected) => {
  const detector = detectorOf(...several('dog', dogs), ...several('cat', cats, 100));
  expect(await score(prompt, detector)).toMatchObject({ ok: true, value: expected });
});

it('counts a thing that was found twice once', async () => {
  const detector = detectorOf(
    thing('cat', [0, 0, 100, 100], 0.9),
    thing('cat', [1, 1, 100, 100], 0.3),
    thing('dog', [0, 0, 100, 100], 0.3),
  );
  expect(await score('one cat', detector)).toMatchObject({ value: 1 });
  expect(await score('two cats', detector)).toMatchObject({ value: 0.5 });
});

it('merges what covers or lies within another of its label', () => {
  const large = thing('cat', [0, 0, 99, 99], 0.9);
  // With both ends 100 × 100 pixels; 91 of 100 columns are within, IoU 91/109; then 90, which is not above 0.9.
  const mostlyWithin = thing('cat', [9, 0, 108, 99], 0.5);
  const justNot = thing('cat', [10, 0, 109, 99], 0.5);
  const small = thing('cat', [40, 40, 44, 44], 0.5);
  expect(mergeSameThings([mostlyWithin, large])).toEqual([large]);
  expect(mergeSameThings([large, justNot])).toEqual([large, justNot]);
  expect(mergeSameThings([small, large])).toEqual([large]);
});

it('takes a longer label only where there is none of its own', async () => {
  const tables = detectorOf(...several('dining table', 2));
  expect(await score('two tables', tables)).toMatchObject({ value: 1 });
});

it.each([
  ['dogs and cats', 'counts nothing'],
  ['two gizmos and a cat', 'counts "two gizmos"'],
  ['two lamps and one cat', 'names "lamp"'],
  ['two men and one woman', 'both are "person"'],
  ['two sofas and one couch', 'both are "couch"'],
])('does not apply to %j', async (prompt, message) => {
  const detector = detectorOf(...several('cat', 1));
  expect(await score(prompt, detector)).toEqual({
    ok: false,
    kind: 'not-applicable',
    message: expect.stringContaining(message),
    retryable: false,
  });
  expect(detector.detect).not.toHaveBeenCalled();
});
