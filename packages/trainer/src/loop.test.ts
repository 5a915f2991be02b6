import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from './configuration/resolve-config';
import type { TrainConfig } from './configuration/schema';
import { train } from './loop';
import type { EvaluationRecord, IterationRecord } from './run-folder/records';
import { PIPELINE } from './testing/fixtures';
import type { RunRecorder } from './tracking/recorder';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-'));
  writeFileSync(join(folder, 'prompts.txt'), 'a red circle\ntwo green triangles\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function configFor(name: string, overrides: string[] = []): TrainConfig {
  return resolveConfig(
    {
      output: join(folder, name),
      model: PIPELINE,
      prompts: join(folder, 'prompts.txt'),
      iterations: 2,
      batch: { prompts: 2, rollout: 4, update: 8 },
      sampler: { steps: 4 },
      algorithm: { k: 2, innerEpochs: 2 },
      rewards: [{ name: 'jpeg-incompressibility' }],
      evaluate: { images: 2, baseGuidances: [] },
      samples: { every: 0, count: 2 },
      checkpoint: { every: 1, keep: 1 },
    },
    overrides,
  );
}

interface Recording extends RunRecorder {
  readonly iterations: IterationRecord[];
  readonly evaluations: EvaluationRecord[];
  readonly grids: string[];
}

function record(): Recording {
  const iterations: IterationRecord[] = [];
  const evaluations: EvaluationRecord[] = [];
  const grids: string[] = [];
  return {
    iterations,
    evaluations,
    grids,
    iteration: (iteration) => iterations.push(iteration),
    evaluation: (evaluation) => {
      evaluations.push(evaluation);
      return Promise.resolve();
    },
    sampleGrid: (name) => {
      grids.push(name);
      return Promise.resolve();
    },
    phase: () => undefined,
    finish: () => Promise.resolve(),
    close: () => undefined,
  };
}

const adapterOf = (config: TrainConfig, ...path: string[]) =>
  readFileSync(
    join(
      config.output,
      ...(path.length > 0 ? path : ['adapter']),
      'pytorch_lora_weights.safetensors',
    ),
  );
const forever = new AbortController().signal;

describe('train', () => {
  it('is the same run for the same seed, byte for byte, and keeps no tensors', async () => {
    const first = configFor('first');
    const second = configFor('second');
    const recording = record();
    const summary = await train(first, recording, forever);
    // The first run in a process leaves the constants that the norms keep; a second leaves nothing.
    const kept = tf.memory().numTensors;
    await train(second, record(), forever);
    expect(tf.memory().numTensors).toBe(kept);
    expect(adapterOf(second).equals(adapterOf(first))).toBe(true);

    const other = configFor('other', ['seed=1']);
    await train(other, record(), forever);
    expect(adapterOf(other).equals(adapterOf(first))).toBe(false);

    const { iterations, evaluations, grids } = recording;
    expect(iterations.map(({ iteration }) => iteration)).toEqual([1, 2]);
    expect(iterations[1]!.tensors).toBe(iterations[0]!.tensors);
    // Two inner epochs: the second sees a policy that has moved.
    expect(iterations[0]!.ratio.maxDeviation).toBeGreaterThan(0);
    expect(iterations[0]!.ratioPerTimestep.map(({ timestep }) => timestep)).toEqual([751, 501]);
    expect(evaluations.map(({ name }) => name)).toEqual(['before', 'after']);
    expect(grids).toEqual(['before', 'after']);
    expect(summary.evaluation.gain!.mean).toBeCloseTo(
      summary.evaluation.after!.mean - summary.evaluation.before!.mean,
      12,
    );
    expect(readdirSync(join(first.output, 'checkpoints'))).toEqual(['step-2']);
    expect(adapterOf(first, 'checkpoints', 'step-2').equals(adapterOf(first))).toBe(true);
  });

  it.each(['ppo', 'rloo', 'reinforce'])('runs %s with everything else the same', async (name) => {
    const config = configFor(name, [
      `algorithm.name=${name}`,
      'algorithm.innerEpochs=1',
      'iterations=1',
      'evaluate.images=0',
      'samples.count=0',
    ]);
    const recording = record();
    await train(config, recording, forever);
    expect(recording.iterations[0]!.gradientNorm).toBeGreaterThan(0);
    expect(adapterOf(config).length).toBeGreaterThan(0);
  });

  it('learns the same with gradient checkpoints, and from fewer steps where told', async () => {
    const overrides = ['iterations=1', 'evaluate.images=0', 'samples.count=0'];
    const runOf = async (name: string, ...more: string[]) => {
      const recording = record();
      await train(configFor(name, [...overrides, ...more]), recording, forever);
      return recording.iterations[0]!;
    };
    const plain = await runOf('plain');
    const checkpointed = await runOf('checkpointed', 'gradientCheckpointing=true');
    // Sums of float32 in another order.
    expect(checkpointed.gradientNorm / plain.gradientNorm).toBeCloseTo(1, 3);
    expect(checkpointed.loss).toBeCloseTo(plain.loss, 6);
    const fewer = await runOf('fewer', 'algorithm.timesteps.count=1');
    expect(plain.ratioPerTimestep.length).toBe(2);
    expect(fewer.ratioPerTimestep.length).toBe(1);
  });

  it('ends with what it has learnt when it is interrupted', async () => {
    const stopAfterOne = (config: TrainConfig) => {
      const controller = new AbortController();
      const iteration = () => {
        setImmediate(() => {
          controller.abort();
        });
      };
      return train(config, { ...record(), iteration }, controller.signal);
    };
    const overrides = ['iterations=50', 'evaluate.images=0', 'samples.count=0'];
    await stopAfterOne(configFor('first', overrides));
    const kept = tf.memory().numTensors;
    const config = configFor('second', overrides);
    const summary = await stopAfterOne(config);
    expect(summary).toMatchObject({ iterations: 1, interrupted: true });
    expect(adapterOf(config).equals(adapterOf(config, 'checkpoints', 'step-1'))).toBe(true);
    expect(tf.memory().numTensors).toBe(kept);
  });
});
