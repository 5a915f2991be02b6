import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import { makeRunFolder, recordRun, type Recording, type RunFolder } from '../testing/tiny-run';
import type { RunSink } from '../tracking/sink';
import { runLoop } from './loop';

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
});

const configFor: RunFolder['configFor'] = (...parts) => folder.configFor(...parts);

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
    const recording = recordRun();
    const summary = await runLoop(first, recording, forever);
    // The first run in a process leaves the constants that the norms keep; a second leaves nothing.
    const kept = tf.memory().numTensors;
    await runLoop(second, recordRun(), forever);
    expect(tf.memory().numTensors).toBe(kept);
    expect(adapterOf(second).equals(adapterOf(first))).toBe(true);

    const other = configFor('other', ['seed=1']);
    await runLoop(other, recordRun(), forever);
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
    expect(readdirSync(join(first.output, 'checkpoints'))).toContain('step-2');
    expect(adapterOf(first, 'checkpoints', 'step-2').equals(adapterOf(first))).toBe(true);
  });

  it('ends with what it has learnt when it is interrupted', async () => {
    const stopAfterOne = (config: TrainConfig) => {
      const controller = new AbortController();
      const iteration = () => {
        setImmediate(() => {
          controller.abort();
        });
        return Promise.resolve();
      };
      return runLoop(config, { ...recordRun(), iteration }, controller.signal);
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

describe('one iteration', () => {
  const one = ['iterations=1', 'evaluate.images=0', 'samples.count=0', 'algorithm.innerEpochs=1'];
  const iterationOf = async (...more: string[]) => {
    const recording = recordRun();
    const config = configFor('one', [...one, 'algorithm.innerUpdates=1', ...more]);
    await runLoop(config, recording, forever);
    return { ...recording.iterations[0]!, adapter: adapterOf(config) };
  };
  let plain: Awaited<ReturnType<typeof iterationOf>>;
  beforeAll(async () => {
    folder = makeRunFolder();
    plain = await iterationOf();
    folder.remove();
  });

  // Where every ratio is 1 the gradient of the clipped surrogate is that of REINFORCE, A · ∇ log p.
  it('takes the same step with rloo as with loop, which differ in what follows it', async () => {
    const rloo = await iterationOf('algorithm.name=rloo');
    expect(rloo.rewards).toEqual(plain.rewards);
    // Sums of float32 in another order.
    expect(rloo.gradientNorm / plain.gradientNorm).toBeCloseTo(1, 4);
    // The mean of −A, which is 0 within each prompt, and of −A · log p.
    expect(Math.abs(plain.loss)).toBeLessThan(1e-6);
    expect(Math.abs(rloo.loss)).toBeGreaterThan(1e-5);
  });

  it('learns another thing from the same images with ppo and with reinforce', async () => {
    const ppo = await iterationOf('algorithm.name=ppo');
    const reinforce = await iterationOf('algorithm.name=reinforce');
    expect([ppo.rewards, reinforce.rewards]).toEqual([plain.rewards, plain.rewards]);
    // Advantages of ppo are scaled to a spread of 1, those of reinforce are the rewards, sizes of about 1.
    for (const { gradientNorm } of [ppo, reinforce]) {
      expect(gradientNorm).toBeGreaterThan(2 * plain.gradientNorm);
    }
    expect(ppo.adapter.equals(reinforce.adapter)).toBe(false);
  });

  it('learns the same with gradient checkpoints, and from fewer steps where told', async () => {
    const checkpointed = await iterationOf('gradientCheckpointing=true');
    // Sums of float32 in another order.
    expect(checkpointed.gradientNorm / plain.gradientNorm).toBeCloseTo(1, 3);
    expect(checkpointed.loss).toBeCloseTo(plain.loss, 6);
    const fewer = await iterationOf('algorithm.timesteps.count=1');
    expect(plain.ratioPerTimestep.length).toBe(2);
    expect(fewer.ratioPerTimestep.length).toBe(1);
  });
});

describe('a run that goes on', () => {
  const straightAndBroken = ['iterations=3', 'evaluate.images=2', 'checkpoint.keep=3'];
  const newest = (config: TrainConfig) =>
    readNewestCheckpoint(join(config.output, 'checkpoints')).checkpoint;
  const resume = async (config: TrainConfig, recording: Recording, first: Recording) => {
    const differences: string[] = [];
    const summary = await runLoop(config, recording, forever, {
      checkpoint: newest(config),
      evaluations: first.evaluations,
      onDifference: (difference) => differences.push(difference),
    });
    expect(differences).toEqual([]);
    return summary;
  };

  // PPO and a running z-score remember rewards of earlier iterations; reusing samples means that half an update can be lost.
  it('is the run that never stopped, byte for byte', async () => {
    const overrides = [
      ...straightAndBroken,
      'algorithm.name=ppo',
      'rewards.0.scale=running-z-score',
    ];
    const straight = configFor('straight', overrides);
    const expected = recordRun();
    const whole = await runLoop(straight, expected, forever);

    const broken = configFor('broken', overrides);
    const controller = new AbortController();
    const first = recordRun();
    await runLoop(
      broken,
      {
        ...first,
        // After the first optimizer step of the second iteration.
        phase: (phase, fraction) => {
          if (phase === 'update' && fraction > 0.5 && first.iterations.length === 1) {
            controller.abort();
          }
        },
      },
      controller.signal,
    );
    expect(first.iterations.length).toBe(1);
    expect(newest(broken)?.step).toBe(1);
    const tensors = tf.memory().numTensors;
    const second = recordRun();
    const summary = await resume(broken, second, first);
    expect(tf.memory().numTensors).toBe(tensors);

    expect(adapterOf(broken).equals(adapterOf(straight))).toBe(true);
    expect(newest(broken)?.files['optimizer.safetensors']).toEqual(
      newest(straight)?.files['optimizer.safetensors'],
    );
    expect(second.iterations.map(({ iteration, reward }) => [iteration, reward])).toEqual(
      expected.iterations.slice(1).map(({ iteration, reward }) => [iteration, reward]),
    );
    // What was evaluated before is not evaluated again.
    expect(second.evaluations.map((evaluation) => evaluation.name)).toEqual(['after']);
    expect(summary.evaluation).toEqual(whole.evaluation);
  });

  it('does only the last evaluation when nothing else is left', async () => {
    const config = configFor('ending', straightAndBroken);
    const controller = new AbortController();
    const first = recordRun();
    await runLoop(
      config,
      {
        ...first,
        phase: (phase) => {
          if (phase === 'evaluation after') controller.abort();
        },
      },
      controller.signal,
    );
    expect(newest(config)?.step).toBe(3);
    const second = recordRun();
    await resume(config, second, first);
    expect(second.iterations).toEqual([]);
    expect(second.evaluations.map((evaluation) => evaluation.name)).toEqual(['after']);
  });

  it('ends early where a sink asks for it, evaluated, and goes on from there', async () => {
    const config = configFor('stopped', straightAndBroken);
    const stop: RunSink = {
      iteration: ({ iteration }) => (iteration === 1 ? { stop: 'good enough' } : undefined),
    };
    const recording = recordRun(stop);
    const summary = await runLoop(config, recording, forever);
    expect(summary).toMatchObject({ iterations: 1, interrupted: false, stopped: 'good enough' });
    expect(recording.evaluations.at(-1)?.name).toBe('after');
    expect(newest(config)?.step).toBe(1);
  });

  it('leaves a checkpoint when something goes wrong', async () => {
    const config = configFor('failing', [...straightAndBroken, 'checkpoint.every=0']);
    const failing: RunSink = {
      iteration: ({ iteration }) => {
        if (iteration === 2) throw new Error('no space is left');
      },
    };
    await expect(runLoop(config, recordRun(failing), forever)).rejects.toThrow('no space is left');
    expect(newest(config)?.step).toBe(2);
    expect(adapterOf(config).length).toBeGreaterThan(0);
  });

  it('says so when it goes on with something else, and refuses what does not fit', async () => {
    const one = ['iterations=1', 'evaluate.images=0', 'samples.count=0'];
    const config = configFor('one', one);
    await runLoop(config, recordRun(), forever);
    const { step, folder: path, files } = newest(config)!;
    const state = JSON.parse(new TextDecoder().decode(files['state.json'])) as {
      madeWith: Record<string, string>;
    };
    state.madeWith['threads'] = '999';
    const changed = new TextEncoder().encode(JSON.stringify(state));
    const differences: string[] = [];
    const from = (changedFiles: Record<string, Uint8Array>) => ({
      checkpoint: { step, folder: path, files: { ...files, ...changedFiles } },
      evaluations: [],
      onDifference: (difference: string) => differences.push(difference),
    });
    folder.writePrompts('a blue square\n');
    const later = configFor('one', [...one, 'seed=99', 'algorithm.k=3', 'rewards.0.weight=2']);
    await runLoop(later, recordRun(), forever, from({ 'state.json': changed }));
    expect(differences.sort()).toEqual([
      'algorithm.k was 2 and is 3',
      expect.stringMatching(/^digest of the training prompts was \w{12} and is \w{12}$/),
      expect.stringMatching(
        /^reward jpeg-incompressibility was .* weight 1,.* and is .* weight 2,/,
      ),
      'seed was 0 and is 99',
      expect.stringMatching(/^threads was 999 and is \d+$/),
    ]);

    const other = configFor('other', [...one, 'lora.rank=2']);
    await expect(runLoop(other, recordRun(), forever, from({}))).rejects.toThrow(
      /does not fit the run: pytorch_lora_weights.safetensors has shape.*; since it was made, .*lora\.rank was 8 and is 2/,
    );
    await expect(
      runLoop(config, recordRun(), forever, from({ 'state.json': new Uint8Array() })),
    ).rejects.toThrow('does not fit the run');
  });
});

describe('a run that starts from an adapter', () => {
  const one = ['iterations=1', 'evaluate.images=0', 'samples.count=0'];

  it('has its weights, and not its optimizer; and refuses one of another rank or of other modules', async () => {
    const first = configFor('first', one);
    await runLoop(first, recordRun(), forever);
    const still = configFor('still', [
      ...one,
      `lora.from=${JSON.stringify(first.output)}`,
      'optimizer.learningRate=1e-12',
      'optimizer.weightDecay=0',
    ]);
    await runLoop(still, recordRun(), forever);
    const numbers = (config: TrainConfig) =>
      [...readSafetensors(new Uint8Array(adapterOf(config))).tensors.values()].flatMap((tensor) => [
        ...toFloat32Array(tensor),
      ]);
    const [before, after] = [numbers(first), numbers(still)];
    // A step of 1e-12 moves no float32 of this size.
    expect(Math.max(...after.map((value, index) => Math.abs(value - before[index]!)))).toBeLessThan(
      1e-10,
    );

    const from = `lora.from=${JSON.stringify(join(first.output, 'checkpoints', 'step-1'))}`;
    await expect(
      runLoop(configFor('rank', [...one, from, 'lora.rank=2']), recordRun(), forever),
    ).rejects.toThrow('has rank 8, but lora.rank is 2; set lora.rank=8');
    await expect(
      runLoop(configFor('targets', [...one, from, 'lora.targets=[to_q]']), recordRun(), forever),
    ).rejects.toThrow('changes other modules than lora.targets (to_q) say');
  });
});
