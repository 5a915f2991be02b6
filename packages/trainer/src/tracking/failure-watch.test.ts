import { createFailureWatch } from './failure-watch';

const failure = { reward: 'judge', kind: 'exception', message: 'quota exceeded', count: 4 };
const judged = (failures = [failure], notApplicable = 0) => ({
  images: 10,
  failures,
  notApplicable,
});

test('tells each kind of failure of a reward once, with its reason', () => {
  const watch = createFailureWatch();
  expect(watch(judged([]))).toEqual([]);
  expect(watch(judged())).toEqual(['the reward judge failed on 4 of 10 images: quota exceeded']);
  expect(watch(judged([{ ...failure, message: 'quota exceeded (request 7)' }]))).toEqual([]);
  expect(watch(judged([{ ...failure, kind: 'timeout', message: 'late' }]))).toEqual([
    'the reward judge failed on 4 of 10 images: late',
  ]);
  expect(watch(judged([{ ...failure, reward: 'size', count: 1 }]))).toEqual([
    'the reward size failed on 1 of 10 images: quota exceeded',
  ]);
});

test('tells once where no reward applies to any image', () => {
  const watch = createFailureWatch();
  expect(watch(judged([], 9))).toEqual([]);
  expect(watch(judged([], 10))).toEqual([expect.stringMatching(/^no reward applies to any of 10/)]);
  expect(watch(judged([], 10))).toEqual([]);
});
