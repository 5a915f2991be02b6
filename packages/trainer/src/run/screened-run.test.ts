/** Runs whose pictures pass nsfwjs's own model before they are written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodePicture, type Image } from '@loop-diffusion/rewards';
import * as rewards from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { evaluateModel } from '../api/evaluate';
import { sampleImages } from '../api/sample';
import type { TrainConfig } from '../configuration/schema';
import { createRunFolder } from '../run-folder/run-folder';
import { captureOutput } from '../testing/captured-output';
import { PIPELINE } from '../testing/fixtures';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { createRunRecorder } from '../tracking/create-run-recorder';
import { runLoop } from './loop';

jest.mock('nsfwjs/models/mobilenet_v2', () =>
  jest.requireActual<object>('../testing/nsfwjs-model'),
);
jest.mock('@loop-diffusion/rewards', () => {
  const actual = jest.requireActual<typeof rewards>('@loop-diffusion/rewards');
  return { ...actual, nsfwClassifier: jest.fn(actual.nsfwClassifier) };
});
// Vega cannot be loaded in jest.
jest.mock('../tracking/curves', () => ({ renderCurves: () => Promise.resolve(new Uint8Array(1)) }));

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
});

const forever = new AbortController().signal;
/** The tiny pipeline's pictures are safe for work with about 0.88. */
const [ALL_PASS, NONE_PASSES] = [0, 1];

const configFor = (name: string, safety: number) =>
  folder.configFor(name, [
    `samples.safety=${String(safety)}`,
    ...['algorithm.innerEpochs=1', 'evaluate.images=0'],
  ]);
const isGrey = ({ data }: Image) => data.every((value) => value === 128);
const pictures = (path: string): Promise<Image[]> =>
  Promise.all(
    readdirSync(path)
      .sort()
      .map((file) => decodePicture(readFileSync(join(path, file)))),
  );

/** A run with all that it writes. */
async function writtenBy(config: TrainConfig) {
  const runFolder = createRunFolder(config.output);
  const recorder = createRunRecorder(runFolder, config, {
    json: false,
    quiet: true,
    output: captureOutput(),
  });
  const alerts: Image[] = [];
  const records: number[][] = [];
  const tensors: number[] = [];
  await runLoop(
    config,
    {
      ...recorder,
      async iteration(record, drawn) {
        records.push(record.rewards);
        tensors.push(record.tensors);
        alerts.push(...(await drawn()).images);
        await recorder.iteration(record, drawn);
      },
    },
    forever,
  );
  recorder.close();
  return {
    ...{ alerts, records, tensors },
    first: await pictures(join(config.output, 'samples/before')),
    card: await pictures(join(config.output, 'adapter/images')),
    grid: readFileSync(join(config.output, 'samples/after.png')),
  };
}

it('writes grey for every picture at a threshold of 1, all of them at 0, and rewards the same', async () => {
  const passed = await writtenBy(configFor('passed', ALL_PASS));
  const kept = tf.memory().numTensors;
  const grey = await writtenBy(configFor('grey', NONE_PASSES));
  expect(tf.memory().numTensors).toBe(kept);

  for (const name of ['alerts', 'first', 'card'] as const) {
    expect(passed[name].length).toBeGreaterThan(0);
    expect(passed[name].some(isGrey)).toBe(false);
    expect(grey[name].every(isGrey)).toBe(true);
    expect(grey[name].map(({ width, height }) => [width, height])).toEqual(
      passed[name].map(({ width, height }) => [width, height]),
    );
  }
  expect(grey.grid.equals(passed.grid)).toBe(false);
  expect(grey.records).toEqual(passed.records);
  expect(grey.records).toHaveLength(2);
  // A classifier that left tensors behind would show from one iteration to the next.
  for (const { tensors } of [passed, grey]) expect(new Set(tensors).size).toBe(1);
});

it('asks for what is missing before the model is looked at', async () => {
  const sentence = 'Reward "safety" needs nsfwjs: npm install nsfwjs';
  const missing = () =>
    jest.mocked(rewards.nsfwClassifier).mockRejectedValueOnce(new Error(sentence));
  const model = '/no/such/model';
  const config = { ...configFor('missing', 0.5), model };
  const out = join(config.output, 'out');
  missing();
  await expect(runLoop(config, recordRun(), forever)).rejects.toThrow(sentence);
  const settings = { steps: 2, eta: 1, guidance: 1, seed: 0, backend: 'auto', out } as const;
  missing();
  await expect(sampleImages({ ...settings, model, prompts: ['a'], safety: 0.5 })).rejects.toThrow(
    sentence,
  );
  missing();
  await expect(
    evaluateModel({ ...settings, model, prompts: 'shapes', reward: 'shapes', safety: 0.5 }),
  ).rejects.toThrow(sentence);
  expect(existsSync(out)).toBe(false);
});

it('does so for sample and evaluate, whose rewards are those of the pictures', async () => {
  const out = mkdtempSync(join(tmpdir(), 'loop-'));
  try {
    const settings = { steps: 2, eta: 1, guidance: 1, seed: 0, backend: 'auto' } as const;
    const evaluate = (safety: number | undefined) =>
      evaluateModel({
        ...{ ...settings, safety, model: PIPELINE, out: join(out, `evaluate-${safety ?? 'all'}`) },
        ...{ prompts: 'shapes', reward: 'jpeg-incompressibility', images: 2 },
      });
    const sample = (safety: number | undefined) =>
      sampleImages({
        ...{ ...settings, safety, model: PIPELINE, out: join(out, `sample-${safety ?? 'all'}`) },
        prompts: ['a red circle', 'two green triangles'],
      });
    const open = await evaluate(undefined);
    const kept = tf.memory().numTensors;
    const grey = await evaluate(NONE_PASSES);
    expect(grey.evaluation.rewards).toEqual(open.evaluation.rewards);
    expect([open.withheld, grey.withheld, (await evaluate(ALL_PASS)).withheld]).toEqual([0, 2, 0]);
    expect((await sample(undefined)).withheld).toBe(0);
    expect((await sample(NONE_PASSES)).withheld).toBe(2);
    expect(tf.memory().numTensors).toBe(kept);
    for (const name of ['evaluate', 'sample']) {
      const all = await pictures(join(out, `${name}-all`));
      const withheld = await pictures(join(out, `${name}-${String(NONE_PASSES)}`));
      expect(all.some(isGrey)).toBe(false);
      expect(withheld.every(isGrey)).toBe(true);
      expect(withheld.map(({ width }) => width)).toEqual(all.map(({ width }) => width));
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});
