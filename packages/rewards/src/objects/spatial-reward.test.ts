import type { Image } from '../image';
import { scoreAll } from '../score-all';
import type { Detection, ObjectDetector } from './object-detector';
import { spatialReward } from './spatial-reward';

const image: Image = { width: 128, height: 128, data: new Uint8Array(128 * 128 * 3) };

function detectorOf(...found: Detection[]) {
  return {
    version: 'fake:1',
    labels: new Set(['cat', 'couch', 'person', 'dining table']),
    detect: jest.fn(() => Promise.resolve(found)),
  } satisfies ObjectDetector;
}
const at = (label: string, x: number, score: number): Detection => ({
  label,
  score,
  box: [x, 40, x + 30, 70],
});

async function score(prompt: string, detector: ObjectDetector) {
  const [result] = await scoreAll(spatialReward({ detector }), {
    images: [image],
    prompts: [prompt],
  });
  return result;
}

it('is a quarter of each certainty and half of the position', async () => {
  const detector = detectorOf(at('cat', 5, 0.8), at('couch', 80, 0.6));
  expect(await score('a cat on the left of a sofa', detector)).toEqual({
    ok: true,
    value: 0.25 * 0.8 + 0.25 * 0.6 + 0.5,
    components: { first: 0.8, second: 0.6, position: 1 },
  });
  expect(detector.detect).toHaveBeenCalledWith(image, ['cat', 'couch']);
});

it('is 0 below a half', async () => {
  const wrongWay = detectorOf(at('cat', 80, 0.9), at('couch', 5, 0.9));
  expect(await score('a cat on the left of a sofa', wrongWay)).toMatchObject({
    ok: true,
    value: 0,
  });
  const alone = detectorOf(at('cat', 80, 1));
  expect(await score('a cat on the left of a sofa', alone)).toEqual({
    ok: true,
    value: 0,
    components: { first: 1, second: 0, position: 0 },
  });
  expect(await score('a cat on the left of a sofa', detectorOf())).toMatchObject({ value: 0 });
});

it('takes the most certain of each', async () => {
  const detector = detectorOf(at('cat', 90, 0.5), at('couch', 60, 0.6), at('cat', 5, 0.8));
  expect(await score('a cat on the left of a couch', detector)).toMatchObject({
    components: { first: 0.8, second: 0.6, position: 1 },
  });
});

it('takes a longer label for a noun', async () => {
  const detector = detectorOf(at('cat', 5, 1), at('dining table', 80, 1));
  expect(await score('a cat on the left of a table', detector)).toMatchObject({ value: 1 });
});

it('counts near in pixels of a picture of 512', async () => {
  // 60 pixels of 128 are 240 of 512 along x, 40 are 160 along y; 150 / 240.
  const far: Detection = { label: 'couch', score: 1, box: [65, 80, 95, 110] };
  const detector = detectorOf(at('cat', 5, 1), far);
  expect(await score('a cat near a couch', detector)).toMatchObject({
    components: { position: 150 / 240 },
  });
});

it.each([
  ['a cat and a couch', 'is no spatial one'],
  ['a dragon on the left of a cat', 'names "dragon"'],
  ['a cat on the left of a dragon', 'names "dragon"'],
  ['a man on the left of a woman', 'both are "person"'],
])('does not apply to %j', async (prompt, message) => {
  const detector = detectorOf(at('cat', 5, 1));
  expect(await score(prompt, detector)).toEqual({
    ok: false,
    kind: 'not-applicable',
    message: expect.stringContaining(message),
    retryable: false,
  });
  expect(detector.detect).not.toHaveBeenCalled();
});
