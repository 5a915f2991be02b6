import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Image, jpegIncompressibility } from '@loop-diffusion/rewards';
import { readSafetensors } from '@loop-diffusion/safetensors';

import { PIPELINE } from '../testing/fixtures';
import { readContinuation } from './continuation';
import { refuseObjectsFromCode } from './named-objects';
import { train } from './train';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/curves', () => ({ renderCurves: () => Promise.resolve(new Uint8Array(1)) }));

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'api-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

/** Mean of the red channel, of pictures in bytes or in fractions. */
const redness = (images: readonly Image[]): number[] =>
  images.map(({ data }) => {
    const reds = Array.from(data).filter((_, index) => index % 3 === 0);
    return reds.reduce((sum, red) => sum + red, 0) / reds.length;
  });

const small = {
  model: PIPELINE,
  prompts: ['a red circle', 'two green triangles'],
  iterations: 2,
  batch: { prompts: 2, rollout: 4, update: 8 },
  sampler: { steps: 4 },
  algorithm: { k: 2, innerUpdates: 2 },
  evaluate: { images: 2, prompts: ['a blue square'], guidances: [] },
  samples: { count: 0 },
};

test('functions and lists in, figures and weights out, and nothing is written without a folder', async () => {
  const before = readdirSync('.');
  const seen: number[] = [];
  const disposed = jest.fn();
  const watched = { ...jpegIncompressibility(), dispose: disposed };
  const { summary, weights } = await train({
    ...small,
    rewards: [redness, { reward: watched, weight: 0 }],
    onIteration: ({ iteration, reward }) => {
      seen.push(iteration);
      expect(Object.keys(reward.components ?? {})).toEqual(['redness', 'jpeg-incompressibility']);
    },
    onEvaluation: ({ name, count }) => {
      expect(count).toBe(2);
      if (name === 'before') expect(seen).toEqual([]);
    },
  });
  expect(seen).toEqual([1, 2]);
  expect(summary).toMatchObject({ iterations: 2, interrupted: false });
  expect(Object.keys(summary.evaluation.after?.components ?? {})).toContain('redness');
  expect([...readSafetensors(weights).tensors.keys()].every((key) => /lora/.test(key))).toBe(true);
  // It is the caller's, who may want to use it again.
  expect(disposed).not.toHaveBeenCalled();
  expect(readdirSync('.')).toEqual(before);

  // The same run in a folder, ended on the way and gone on with: the same weights, and a configuration that says where its
  // objects came from.
  const output = join(base, 'run');
  const part = { ...small, rewards: [redness], output };
  const stop = ({ iteration }: { iteration: number }) => ({ stop: `at ${String(iteration)}` });
  const first = await train({ ...part, onIteration: stop });
  expect(first.summary).toMatchObject({ iterations: 1, stopped: 'at 1' });
  const { config: stored } = await readContinuation(output, undefined);
  expect(() => {
    refuseObjectsFromCode(stored);
  }).toThrow(
    'was begun from code, which gave it code:2 prompts and code:1 prompts and code:redness',
  );
  // It is the run that it was: what says otherwise is told.
  await expect(train({ ...part, resume: true, optimizer: { learningRate: 1 } })).rejects.toThrow(
    'resume: optimizer.learningRate is 1, but the run has 0.002; leave it out to go on',
  );
  await expect(
    train({ ...part, rewards: [jpegIncompressibility()], resume: true }),
  ).rejects.toThrow(
    "resume: the run was trained on 'redness', which was given from code; pass it in rewards",
  );
  const second = await train({ ...part, resume: true });
  expect(second.summary).toMatchObject({ iterations: 2 });
  const file = readFileSync(join(output, 'adapter/pytorch_lora_weights.safetensors'));
  expect(Buffer.compare(file, second.weights)).toBe(0);
  expect(Buffer.compare(file, weights)).toBe(0);
  const config = readFileSync(join(output, 'config.yaml'), 'utf8');
  expect(config).toContain('code:2 prompts');
  expect(config).toContain('code:redness');
  expect(existsSync(join(output, 'summary.json'))).toBe(true);
});

test('says what resume is for', async () => {
  await expect(train({ ...small, rewards: [redness], resume: true })).rejects.toThrow(
    'resume goes on with the run in output, so name its folder there',
  );
});

test.each([
  [{ rewards: [redness], iterations: 0 }, 'iterations is 0, but must be'],
  [{ rewards: [redness], prompts: [] }, 'a list of at least one prompt, none of them empty'],
  [{ rewards: [redness], prompts: [' '] }, 'a list of at least one prompt, none of them empty'],
  [
    { rewards: [redness, redness] },
    "rewards names 'redness' twice; give one of them another label",
  ],
  [{ rewards: [{ reward: redness, wieght: 2 }] }, "unknown key 'rewards.0.wieght'"],
  [{ rewards: [{ name: 'rednes' }] }, 'There is no reward "rednes"'],
])('refuses %j in a sentence', async (options, sentence) => {
  const output = join(base, 'run');
  await expect(train({ ...small, ...options, output })).rejects.toThrow(sentence);
  expect(existsSync(output)).toBe(false);
});
