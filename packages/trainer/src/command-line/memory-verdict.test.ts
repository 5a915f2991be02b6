import type { MemoryEstimate } from '../policy/memory-estimate';
import { memoryVerdict } from './memory-verdict';

const GB = 1e9;
const memory: MemoryEstimate = {
  ...{ weights: 14 * GB, sample: 16 * GB, rollout: 20 * GB, update: 30 * GB },
  ...{ checkpointedUpdate: 21 * GB, decode: 18 * GB, tiledDecode: 15 * GB, picture: 3e6 },
};
const narrow: MemoryEstimate = {
  ...{ weights: 7 * GB, sample: 9 * GB, rollout: 13 * GB, update: 23 * GB },
  ...{ checkpointedUpdate: 12 * GB, decode: 11 * GB, tiledDecode: 8 * GB, picture: 3e6 },
};
const judge = (gigabytes: number) => memoryVerdict('m', { memory, narrow }, gigabytes * GB, 64);

test('names each way to learn with what it needs: what is drawn from, or the gradient', () => {
  const { lines } = judge(40);
  expect(lines).toEqual([
    'weights           14.0 GB, 7.0 GB with memory.frozenWeights=bfloat16',
    'drawing           16.0 GB for one image at a time',
    'decoding          18.0 GB for one image, 15.0 GB with memory.vaeTiles',
    'learning from one pair of image and step, the adapter merged while images are drawn',
    '  30.0 GB  as it is',
    '  21.0 GB  gradientCheckpointing=true',
    '  23.0 GB  memory.frozenWeights=bfloat16',
    // The images need more than the gradient.
    '  13.0 GB  gradientCheckpointing=true memory.frozenWeights=bfloat16',
    'evaluating        0.2 GB besides for the 64 images of an evaluation',
    'this machine has  40.0 GB',
  ]);
});

test.each([
  [22, 'gradientCheckpointing=true'],
  [20, 'gradientCheckpointing=true memory.frozenWeights=bfloat16'],
])('in %i GB it says what to set: %s', (gigabytes, settings) => {
  const { lines, fits } = judge(gigabytes);
  expect(lines).toContain(`It can learn here with ${settings} and batch.update=1.`);
  expect(fits(1)).toBe(false);
});

test('batches are measured where they fit', () => {
  const { fits } = judge(48);
  expect([1, 2, 3].map(fits)).toEqual([true, true, false]);
});

test.each([
  [8.9, 'needs about 9.0 GB to draw one image'],
  [12, 'needs about 13.0 GB to learn from one image, even with gradientCheckpointing and memory'],
])('%d GB are too few in any case', (gigabytes, message) => {
  expect(() => judge(gigabytes)).toThrow(message);
});
