/** Runs whose rewards fail, do not apply, or do not answer. */
import { join } from 'node:path';

import {
  jpegCompressibility,
  jpegIncompressibility,
  notApplicable,
  rewardFailure,
  type Reward,
  type RewardResult,
} from '@loop-diffusion/rewards';
import { serveRewards, type RewardServer } from '@loop-diffusion/rewards/serve';

import type { TrainConfig } from '../configuration/schema';
import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import type { RunRecorder } from '../tracking/recorder';
import { UserError } from '../user-error';
import { runLoop as trainWith } from './loop';

jest.mock('../scoring/pauses', () => ({ PAUSES: [0] }));

let folder: RunFolder;
/** Rewards of this file, by the names that configurations give them. */
const rewards = new Map<string, Reward>();
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
  rewards.clear();
});

/** Runs on the size of the images and another reward. */
const configFor = (overrides: string[], other: object, more: object = {}) =>
  folder.configFor('run', ['samples.count=0', 'algorithm.innerEpochs=1', ...overrides], {
    rewards: [{ name: 'jpeg-incompressibility' }, other],
    guards: { failedRewards: 0.6 },
    ...more,
  });
const NO_EVALUATION = 'evaluate.images=0';
const forever = new AbortController().signal;
const train = (config: TrainConfig, recorder: RunRecorder, signal: AbortSignal) =>
  trainWith(config, recorder, signal, undefined, { rewards });

const newestStep = ({ output }: TrainConfig) =>
  readNewestCheckpoint(join(output, 'checkpoints')).checkpoint?.step;

/** Gives the size, unless told otherwise for a call or an image of it. */
function own(
  name: string,
  answer: (call: number, prompt: string, image: number) => RewardResult | undefined,
  rest: Partial<Reward> = {},
): Reward {
  const inner = jpegIncompressibility();
  let calls = 0;
  const reward: Reward = {
    ...inner,
    name,
    async score(batch, options) {
      calls += 1;
      const results = await inner.score(batch, options);
      return results.map(
        (result, image) => answer(calls, batch.prompts[image] ?? '', image) ?? result,
      );
    },
    ...rest,
  };
  rewards.set(name, reward);
  return reward;
}

const quota = rewardFailure('quota', 'the quota is used up');

test('what is learnt is the mean over the images that have a reward', async () => {
  const learnFrom = async (other: RewardResult) => {
    own('half', (_call, _prompt, image) => (image % 2 === 0 ? { ok: true, value: 1 } : other));
    const overrides = ['algorithm.name=reinforce', 'algorithm.innerUpdates=1', 'iterations=1'];
    const config = configFor(
      [NO_EVALUATION, ...overrides],
      {},
      {
        rewards: [{ name: 'half' }],
      },
    );
    const recording = recordRun();
    await train(config, recording, forever);
    return recording.iterations[0]!;
  };
  // Without a baseline a reward of 0 teaches nothing, but counts: the mean is over twice as many images.
  const zero = await learnFrom({ ok: true, value: 0 });
  const failed = await learnFrom(quota);
  expect(failed.failedRewards).toBe(2);
  expect(failed.loss / zero.loss).toBeCloseTo(2, 5);
  expect(failed.gradientNorm / zero.gradientNorm).toBeCloseTo(2, 5);
});

test('a server that dies and is required: the run ends in one sentence, and keeps what it has learnt', async () => {
  const inner = jpegCompressibility();
  let scored = 0;
  const mortal: Reward = {
    ...inner,
    name: 'mortal',
    async score(batch) {
      scored += 1;
      // After its own probe, the client's and an iteration what is under way is cut off, and nobody answers any more.
      if (scored > 3) await server.close({ graceMs: 0 });
      return inner.score(batch);
    },
  };
  const server: RewardServer = await serveRewards({ rewards: [mortal], port: 0 });
  try {
    const settings = { url: server.url, attempts: 1, timeoutMs: 5000 };
    const config = configFor([NO_EVALUATION], { name: 'remote', policy: 'required', settings });
    const recording = recordRun();
    await expect(train(config, recording, forever)).rejects.toThrow(
      /^A required reward failed on 4 of 4 images; mortal: [^\n]+$/,
    );
    expect(recording.iterations.map(({ iteration }) => iteration)).toEqual([1]);
    expect(newestStep(config)).toBe(1);
  } finally {
    await server.close({ graceMs: 0 });
  }
});

test.each([
  ['loop', 'is learnt from', true],
  ['ppo', 'is not, for it is remembered beside whole ones', false],
])(
  'an optional reward that dies leaves sums without it: what is left %s %s',
  async (name, _, learns) => {
    own('mortal', (call) => (call > 1 ? quota : undefined));
    const config = configFor(
      [NO_EVALUATION, `algorithm.name=${name}`],
      { name: 'mortal', policy: 'optional' },
      { guards: { failedRewards: 1 } },
    );
    const recording = recordRun();
    await train(config, recording, forever);
    const [first, second] = recording.iterations;
    expect(first).toMatchObject({ failedRewards: 0, failures: [] });
    // The same reward twice.
    expect(first!.reward.mean).toBeCloseTo(2 * first!.reward.components!['mortal']!, 12);
    expect(second!.reward.mean).toBeNaN();
    expect(second!.rewards).toEqual([NaN, NaN, NaN, NaN]);
    expect(second!.gradientNorm > 0).toBe(learns);
    expect(second!.failures).toEqual([
      { reward: 'mortal', kind: 'quota', message: 'the quota is used up', count: 4 },
    ]);
  },
);

test('more failures than the ceiling allows end the run, and none is a score', async () => {
  own('mortal', (call) => (call > 1 ? quota : undefined));
  const config = configFor([NO_EVALUATION], { name: 'mortal' });
  await expect(train(config, recordRun(), forever)).rejects.toThrow(
    '4 of 4 images got no reward, more than guards.failedRewards (0.6) allows; the most frequent failure was: mortal: the quota is used up',
  );
  expect(newestStep(config)).toBe(1);
});

test('in an evaluation failures are counted and left out of both sides of the gain', async () => {
  // Before, the iteration, after.
  own('moody', (call, _, image) => (call === 3 && image === 0 ? quota : undefined));
  const config = configFor(['iterations=1'], { name: 'moody', policy: 'required' });
  const recording = recordRun();
  const { before, after, gain } = (await train(config, recording, forever)).evaluation;
  expect(before).toMatchObject({ count: 2, failed: 0, failures: [] });
  expect(after).toMatchObject({ count: 1, failed: 1, failures: [{ reward: 'moody', count: 1 }] });
  expect(after!.rewards[0]).toBeNaN();
  expect(after!.mean).toBe(after!.rewards[1]);
  expect(gain).toMatchObject({ count: 1, mean: after!.rewards[1]! - before!.rewards[1]! });
});

test('more failures in an evaluation than the ceiling allows end the run, after a checkpoint', async () => {
  own('mortal', (call) => (call > 2 ? quota : undefined));
  const config = configFor(['iterations=1'], { name: 'mortal', policy: 'optional' });
  const recording = recordRun();
  await expect(train(config, recording, forever)).rejects.toThrow(
    '2 of 2 images got no reward, more than guards.failedRewards (0.6) allows; the most frequent failure was: mortal: the quota is used up',
  );
  expect(recording.evaluations.map(({ name }) => name)).toEqual(['before']);
  expect(newestStep(config)).toBe(1);
});

test('what does not apply is no failure; of images that are compared an evaluation draws two a prompt', async () => {
  const seen: number[] = [];
  const crowd = own('crowd', () => undefined, { scope: 'group' });
  rewards.set('crowd', {
    ...crowd,
    score: (batch, options) => {
      seen.push(batch.images.length);
      return crowd.score(batch, options);
    },
  });
  own('shy', (_, prompt) => (prompt.includes('red') ? notApplicable('red') : undefined));
  const config = configFor(
    ['iterations=1', 'evaluate.images=4', 'samples.count=1'],
    {},
    { rewards: [{ name: 'crowd', weight: 0 }, { name: 'shy' }] },
  );
  const recording = recordRun();
  const { after, gain } = (await train(config, recording, forever)).evaluation;
  // Two prompts before, two in the iteration, two after; two images each.
  expect(seen).toEqual([2, 2, 2, 2, 2, 2]);
  expect(recording.iterations[0]).toMatchObject({ failedRewards: 0, notApplicable: 2 });
  expect(after).toMatchObject({ count: 2, failed: 0, notApplicable: 2, failures: [] });
  expect(after!.rewards.map(Number.isNaN)).toEqual([true, true, false, false]);
  expect(after!.components!['crowd']!.mean).toBeGreaterThan(0);
  expect(gain!.count).toBe(2);
  expect(recording.grids).toEqual(['before', 'after']);
});

describe('a signal', () => {
  /** Answers so many calls; at the next the signal is aborted, and nothing is heard any more. */
  const deafAfter = (calls: number, controller: AbortController, reason?: Error) => {
    let made = 0;
    const sound = own('deaf', () => undefined);
    rewards.set('deaf', {
      ...sound,
      score(batch, options) {
        made += 1;
        if (made <= calls) return sound.score(batch, options);
        controller.abort(reason);
        return new Promise(() => undefined);
      },
    });
  };

  test.each(['mask', 'required', 'optional'])(
    'ends scoring at once, and blames no reward that does not listen (%s)',
    async (policy) => {
      const controller = new AbortController();
      deafAfter(1, controller);
      const config = configFor([NO_EVALUATION], { name: 'deaf', policy });
      const summary = await train(config, recordRun(), controller.signal);
      expect(summary).toMatchObject({ iterations: 1, interrupted: true });
      expect(newestStep(config)).toBe(1);
    },
  );

  test("ends an evaluation's scoring at once as well", async () => {
    const controller = new AbortController();
    deafAfter(0, controller);
    const recording = recordRun();
    const config = configFor([], { name: 'deaf' });
    const summary = await train(config, recording, controller.signal);
    expect(summary).toMatchObject({ iterations: 0, interrupted: true });
    expect(recording.evaluations).toEqual([]);
  });

  test('that tells of an error ends the run with it, after a checkpoint', async () => {
    const controller = new AbortController();
    deafAfter(1, controller, new UserError('Something failed that nobody waited for'));
    const config = configFor([NO_EVALUATION], { name: 'deaf' });
    await expect(train(config, recordRun(), controller.signal)).rejects.toThrow('nobody waited');
    expect(newestStep(config)).toBe(1);
  });
});

test('prompts are looked for before a reward is opened', async () => {
  const settings = { url: 'http://127.0.0.1:9', attempts: 1 };
  const config = configFor(['prompts=/none.txt'], { name: 'remote', settings });
  await expect(train(config, recordRun(), forever)).rejects.toThrow(
    "'/none.txt': it does not exist",
  );
});

test('where drawing fails, scoring that is under way is called off', async () => {
  let told: AbortSignal | undefined;
  own('slow', () => undefined, {
    score: (_, options) => {
      told = options?.signal;
      return new Promise(() => undefined);
    },
  });
  const config = configFor([NO_EVALUATION, 'batch.rollout=2'], { name: 'slow' });
  const recording = recordRun();
  const failing = {
    ...recording,
    phase(name: string, fraction: number) {
      // In the second batch: the first is being scored.
      if (name === 'rollout' && fraction > 0.6) throw new Error('out of memory');
    },
  };
  await expect(train(config, failing, forever)).rejects.toThrow('out of memory');
  expect(told?.aborted).toBe(true);
});
