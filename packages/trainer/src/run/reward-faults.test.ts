/** Runs whose reward is a server that dies on the way. */
import { join } from 'node:path';

import { jpegCompressibility, type Reward } from '@loop-diffusion/rewards';
import { serveRewards, type RewardServer } from '@loop-diffusion/rewards/serve';

import type { TrainConfig } from '../configuration/schema';
import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { train } from './loop';

jest.mock('../scoring/pauses', () => ({ PAUSES: [0] }));

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(async () => {
  folder.remove();
  await Promise.all(servers.splice(0).map((server) => server.close({ graceMs: 0 })));
});
const servers: RewardServer[] = [];

const configFor: RunFolder['configFor'] = (...parts) => folder.configFor(...parts);
const forever = new AbortController().signal;

/** A server of one reward that is gone when it has scored so many batches, its own probe among them. */
async function serverOf(batches: number): Promise<RewardServer> {
  const inner = jpegCompressibility();
  let scored = 0;
  const mortal: Reward = {
    ...inner,
    name: 'mortal',
    async score(batch) {
      scored += 1;
      // What is under way is cut off, and nobody answers any more.
      if (scored > batches) await server.close({ graceMs: 0 });
      return inner.score(batch);
    },
  };
  const server = await serveRewards({ rewards: [mortal], port: 0 });
  servers.push(server);
  return server;
}

const rewardsOf = (url: string, policy: string) => ({
  rewards: [
    { name: 'jpeg-incompressibility' },
    { name: 'remote', policy, settings: { url, attempts: 1, timeoutMs: 5000 } },
  ],
  guards: { failedRewards: 0.9 },
});

/** The server's own probe, the client's, one batch an iteration. */
const UNTIL_SECOND_ITERATION = 3;

const NOTHING_BUT_TRAINING = ['samples.count=0', 'evaluate.images=0'];

const newestStep = ({ output }: TrainConfig) =>
  readNewestCheckpoint(join(output, 'checkpoints')).checkpoint?.step;

test('required: the run ends in one sentence, and keeps what it has learnt', async () => {
  const server = await serverOf(UNTIL_SECOND_ITERATION);
  const config = configFor('required', NOTHING_BUT_TRAINING, rewardsOf(server.url, 'required'));
  const recording = recordRun();
  await expect(train(config, recording, forever)).rejects.toThrow(
    /^A required reward failed on 4 of 4 images; mortal: [^\n]+$/,
  );
  expect(recording.iterations.map(({ iteration }) => iteration)).toEqual([1]);
  expect(newestStep(config)).toBe(1);
});

test('optional: the run goes on without it', async () => {
  const server = await serverOf(UNTIL_SECOND_ITERATION);
  const more = { ...rewardsOf(server.url, 'optional'), guards: { failedRewards: 1 } };
  const config = configFor('optional', NOTHING_BUT_TRAINING, more);
  const recording = recordRun();
  await train(config, recording, forever);
  const [first, second] = recording.iterations;
  expect(first!.failedRewards).toBe(0);
  expect(first!.reward.components!['mortal']).toBeLessThan(0);
  expect(second!.failedRewards).toBe(0);
  expect(second!.reward.components!['mortal']).toBeNaN();
  // What is left, the size alone, is learnt from, but is no sum that could be compared with those before.
  expect(second!.gradientNorm).toBeGreaterThan(0);
  expect(second!.reward.mean).toBeNaN();
  expect(second!.failures).toEqual([expect.objectContaining({ reward: 'mortal', count: 4 })]);
});

test('mask: more failures than the ceiling allows end the run, and none is a score', async () => {
  const server = await serverOf(UNTIL_SECOND_ITERATION);
  const config = configFor('mask', NOTHING_BUT_TRAINING, rewardsOf(server.url, 'mask'));
  await expect(train(config, recordRun(), forever)).rejects.toThrow(
    /^4 of 4 images got no reward, more than guards.failedRewards \(0.9\) allows; the most frequent failure was: mortal: /,
  );
  expect(newestStep(config)).toBe(1);
});

test('more failures in an evaluation than the ceiling allows end the run, which goes on from where it was', async () => {
  // Its own probe, the client's, two evaluations and an iteration.
  const server = await serverOf(4);
  const config = configFor('evaluation', ['samples.count=0', 'iterations=1'], {
    ...rewardsOf(server.url, 'optional'),
  });
  const recording = recordRun();
  await expect(train(config, recording, forever)).rejects.toThrow(
    /^2 of 2 images got no reward, more than guards.failedRewards \(0.9\) allows; [^\n]+: mortal: [^\n]+$/,
  );
  expect(recording.evaluations.map(({ name }) => name)).toEqual(['before']);
  expect(newestStep(config)).toBe(1);
});
