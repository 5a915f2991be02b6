import { gated } from './gated';
import type { Reward, RewardResult } from './reward';

/** Calls wait until they are let go, in order. */
function waiting(rest: Partial<Reward> = {}) {
  const calls: (() => void)[] = [];
  const reward: Reward = {
    name: 'slow',
    version: '1',
    range: [0, 1],
    batchSize: 1,
    score: () =>
      new Promise<RewardResult[]>((resolve) => {
        calls.push(() => resolve([{ ok: true, value: 1 }]));
      }),
    ...rest,
  };
  return { reward, calls };
}
const nothing = { images: [], prompts: [] };
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('holds back calls beyond the concurrency, and lets them in one by one', async () => {
  const { reward, calls } = waiting({ concurrency: 2 });
  const behind = gated(reward);
  const all = [behind.score(nothing), behind.score(nothing), gated(reward).score(nothing)];
  await settled();
  expect(calls).toHaveLength(2);
  calls[0]!();
  await all[0];
  await settled();
  expect(calls).toHaveLength(3);
  for (const answer of calls) answer();
  await expect(Promise.all(all)).resolves.toHaveLength(3);
});

test('is one gate for a reward, and the reward in everything else', async () => {
  const dispose = jest.fn(async () => undefined);
  const { reward } = waiting({ scope: 'group', deterministic: false, dispose });
  const behind = gated(reward);
  expect(gated(reward)).toBe(behind);
  expect(gated(behind)).toBe(behind);
  const { name, version, range, batchSize, scope, deterministic } = reward;
  expect(behind).toMatchObject({ name, version, range, batchSize, scope, deterministic });
  await behind.dispose!();
  expect(dispose).toHaveBeenCalledTimes(1);
  expect(gated(waiting().reward)).not.toHaveProperty('dispose');
});

test('lets who waits leave the line, and passes the place on after a throw', async () => {
  const { reward, calls } = waiting();
  const behind = gated(reward);
  const first = behind.score(nothing);
  const controller = new AbortController();
  const second = behind.score(nothing, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  calls[0]!();
  await first;
  const broken = gated({
    ...reward,
    score: () => {
      throw new Error('broken');
    },
  });
  await expect(broken.score(nothing)).rejects.toThrow('broken');
  await expect(broken.score(nothing)).rejects.toThrow('broken');
});
