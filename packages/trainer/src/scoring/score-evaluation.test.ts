import { notApplicable, type Reward, type RewardResult } from '@loop-diffusion/rewards';

import { batchOf, deaf, deciding, picky, red, redOf, termOf } from '../testing/example-rewards';
import { scoreEvaluation } from './score-evaluation';

jest.mock('./pauses', () => ({ PAUSES: [1, 1] }));

/** Says what it was asked about, and fails so often on each image that is redder than a half. */
function recovering(failure: Partial<RewardResult>, failures: number) {
  const calls: number[][] = [];
  const reward: Reward = {
    ...red,
    name: 'recovering',
    score: async (batch) => {
      calls.push(batch.images.map(redOf));
      const results = await red.score(batch);
      return results.map((result, index) =>
        redOf(batch.images[index]!) > 0.5 && calls.length <= failures
          ? ({
              ok: false,
              kind: 'timeout',
              message: 'late',
              retryable: true,
              ...failure,
            } as RewardResult)
          : result,
      );
    },
  };
  return { reward, calls };
}

test('what may pass is asked again, and nothing else', async () => {
  const { reward, calls } = recovering({}, 2);
  const { total, failed } = await scoreEvaluation([termOf(reward)], batchOf([0.25, 0.75, 0.5, 1]));
  expect(total).toEqual([0.25, 0.75, 0.5, 1]);
  expect(failed).toBe(0);
  expect(calls).toEqual([
    [0.25, 0.75, 0.5, 1],
    [0.75, 1],
    [0.75, 1],
  ]);
});

test('what does not pass is counted, left out and told, whatever the policy', async () => {
  for (const policy of ['mask', 'required', 'optional'] as const) {
    const { reward, calls } = recovering({}, 9);
    const scores = await scoreEvaluation(
      [termOf(red), termOf(reward, { policy })],
      batchOf([0.25, 1], [0, 0]),
    );
    expect(scores.total).toEqual([0.5, Number.NaN]);
    expect(scores).toMatchObject({ failed: 1, failureRate: 0.5 });
    expect(scores.failures).toEqual([
      { reward: 'recovering', kind: 'timeout', message: 'late', count: 1 },
    ]);
    expect(calls).toHaveLength(3);
  }
});

test.each([
  ['for good', { retryable: false }, 1],
  ['with an exception, of which nobody knows', { retryable: false, kind: 'exception' }, 2],
])('what failed %s is asked accordingly', async (_, failure, times) => {
  const { reward, calls } = recovering(failure, 1);
  await scoreEvaluation([termOf(reward)], batchOf([1]));
  expect(calls).toHaveLength(times);
});

test('of images that are compared, all of the group are asked about again', async () => {
  const { reward, calls } = recovering({}, 2);
  const { total } = await scoreEvaluation(
    [termOf({ ...reward, scope: 'group' })],
    batchOf([0.25, 1, 0, 0.5], [0, 0, 1, 1]),
  );
  expect(total).toEqual([0.25, 1, 0, 0.5]);
  // The first two calls are of a group each.
  expect(calls).toEqual([
    [0.25, 1],
    [0, 0.5],
    [0.25, 1],
  ]);
});

test('what a reward does not apply to is neither asked again nor a failure', async () => {
  const score = jest.fn(deciding('shy', () => notApplicable('no text is asked for')).score);
  const scores = await scoreEvaluation([termOf({ ...red, score })], batchOf([0, 1]));
  expect(scores).toMatchObject({ failed: 0, notApplicable: 2, failureRate: 0 });
  expect(score).toHaveBeenCalledTimes(1);
});

test('scales over other images do not count, fixed ones do', async () => {
  const rewards = [
    termOf(red, { scale: 'running-z-score' }),
    termOf(red, { name: 'scaled', scale: { factor: 2, offset: 1 } }),
  ];
  const { total } = await scoreEvaluation(rewards, batchOf([0.25, 1]));
  expect(total).toEqual([0.25 + 1.5, 1 + 3]);
});

test('ends with the signal, at a reward that does not listen and in a pause', async () => {
  const controller = new AbortController();
  const scored = scoreEvaluation([termOf(deaf)], batchOf([0]), controller.signal);
  controller.abort(new Error('enough'));
  await expect(scored).rejects.toThrow('enough');

  const second = new AbortController();
  const failing: Reward = {
    ...picky,
    score: () => {
      // In the pause that follows.
      setImmediate(() => {
        second.abort(new Error('enough'));
      });
      return Promise.reject(new Error('down'));
    },
  };
  await expect(scoreEvaluation([termOf(failing)], batchOf([0]), second.signal)).rejects.toThrow(
    'enough',
  );
});
