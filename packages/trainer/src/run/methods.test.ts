/** Every method on a pipeline of a few thousand weights: it learns, goes on as if it had never stopped, and leaks nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';

import type { TrainConfig } from '../configuration/schema';
import { METHOD_NAMES } from '../methods';
import {
  checkpointPath,
  readCheckpoint,
  readNewestCheckpoint,
  type Checkpoint,
} from '../run-folder/checkpoint-folder';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { runLoop } from './loop';

const forever = new AbortController().signal;
let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const SETTINGS = [
  ...['iterations=3', 'evaluate.images=0', 'samples.count=0', 'algorithm.draws=2'],
  ...['sampler.steps=2', 'checkpoint.keep=3'],
];

async function run(config: TrainConfig) {
  const recording = recordRun();
  await runLoop(config, recording, forever);
  return recording.iterations;
}

/** As another process would. */
async function goOn(config: TrainConfig, checkpoint: Checkpoint | undefined) {
  const recording = recordRun();
  const differences: string[] = [];
  await runLoop(config, recording, forever, {
    checkpoint,
    evaluations: [],
    onDifference: (difference) => differences.push(difference),
  });
  expect(differences).toEqual([]);
  return recording.iterations;
}

/** Of a run that is stopped inside its third iteration, which must have changed nothing. */
async function checkpointOfStopped(config: TrainConfig) {
  const recording = recordRun();
  const controller = new AbortController();
  const stopping = {
    ...recording,
    phase: (phase: string, fraction: number) => {
      if (phase === 'update' && fraction > 0.4 && recording.iterations.length === 2) {
        controller.abort();
      }
    },
  };
  await runLoop(config, stopping, controller.signal);
  expect(recording.iterations).toHaveLength(2);
  return readNewestCheckpoint(join(config.output, 'checkpoints')).checkpoint;
}

const adapterOf = (config: TrainConfig) =>
  readFileSync(join(config.output, 'adapter', 'pytorch_lora_weights.safetensors'));

/** With momentum from the first step on. */
const STORM = ['optimizer.name=storm', 'optimizer.storm.c=1', 'algorithm.clipRange=none'];

const VARIANTS: [string, string[]][] = [
  ...METHOD_NAMES.map((name): [string, string[]] => [name, [`algorithm.name=${name}`]]),
  ['grpo, guarded', ['algorithm.name=grpo', 'algorithm.grpo.ratio=guard']],
  ['grpo, masked', ['algorithm.name=grpo', 'algorithm.grpo.ratio=mask', 'algorithm.grpo.std=none']],
  [
    'apa to the base',
    ['algorithm.name=apa', 'algorithm.apa.anchor=base', 'algorithm.apa.lambda=50'],
  ],
  [
    'asft with odds',
    ['algorithm.name=asft', 'algorithm.asft.score=reference', 'algorithm.asft.beta=auto'],
  ],
  ['rpo on steps', ['algorithm.name=rpo', 'algorithm.rpo.form=steps']],
  [
    'ilbo on rewards as they are',
    ['algorithm.name=ilbo', 'algorithm.ilbo.shift=none', 'rewards.0.scale={"offset":9}'],
  ],
  [
    'qvpo with samples of the base',
    [
      'algorithm.name=qvpo',
      'algorithm.qvpo={"entropyWeight":0.02,"entropySamples":2,"weights":"exponential"}',
    ],
  ],
  ['awm, fourth root', ['algorithm.name=awm', 'algorithm.awm.score=fourth-root']],
  ['storm', STORM],
  ['storm with emphasis', [...STORM, 'algorithm.emphasis=trajectory']],
  [
    'everything at once',
    [
      'ema={"decay":0.9}',
      'sampler.window={"size":1,"every":1}',
      'sampler.sharedNoise=true',
      'algorithm.sampleDropout={"delta":"auto"}',
      'algorithm.sftWeight=0.5',
      'algorithm.klWeight=0.1',
      'algorithm.klTarget=1e-6',
      'algorithm.klInReward=0.1',
      'guards.onCollapse=rollback',
    ],
  ],
];

/** What remembers more than AdamW does. */
const STOPPED = ['ppo', 'nft', 'storm', 'everything at once'];

test.each(VARIANTS)('%s', async (name, overrides) => {
  const slug = name.replaceAll(/\W+/g, '-');
  const straight = folder.configFor(`${slug}-straight`, [...SETTINGS, ...overrides]);
  const broken = folder.configFor(`${slug}-broken`, [...SETTINGS, ...overrides]);
  const [first, second, third] = await run(straight);
  const checkpoint = STOPPED.includes(name)
    ? await checkpointOfStopped(broken)
    : readCheckpoint(checkpointPath(join(straight.output, 'checkpoints'), 2));
  const [again] = await goOn(broken, checkpoint);
  // Byte for byte, and so are the figures.
  expect(adapterOf(broken).equals(adapterOf(straight))).toBe(true);
  expect(again).toMatchObject({ loss: third!.loss, rewards: third!.rewards });
  // It learns something: LoRA's second factors begin at 0.
  const { tensors } = readSafetensors(new Uint8Array(adapterOf(straight)));
  const moved = [...tensors].filter(([key]) => /lora.*(B|up)/.test(key));
  expect(moved.length).toBeGreaterThan(0);
  expect(moved.some(([, tensor]) => toFloat32Array(tensor).some((value) => value !== 0))).toBe(
    true,
  );
  // What the first iteration sets up stays; after it nothing is added.
  expect(third!.tensors).toBe(second!.tensors);
  for (const { loss, skippedUpdates } of [first!, second!, third!]) {
    expect(loss).not.toBeNaN();
    expect(skippedUpdates).toBe(0);
  }
});
