/** Federated runs whose clients are shared out among workers are those of one process. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { readNewestCheckpoint } from '../../run-folder/checkpoint-folder';
import type { IterationRecord } from '../../run-folder/records';
import { makeRunFolder, recordRun, type RunFolder } from '../../testing/tiny-run';
import { workersTogether } from '../../testing/workers-together';
import { ALONE, type Workers } from '../../workers/workers';
import { runLoop, type ResumePoint } from '../loop';

const forever = new AbortController().signal;
let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const SETTINGS = [
  ...['evaluate.images=2', 'samples.count=0', 'sampler.steps=2', 'algorithm.innerEpochs=1'],
  ...['checkpoint.every=1', 'rewards.0.scale=running-z-score'],
];
const NAMES = ['one', 'two', 'three'];

function configFor(name: string, overrides: readonly string[]) {
  const folderOf = dirname(folder.configFor(name).prompts);
  const clients = NAMES.map((client) => {
    const prompts = join(folderOf, `${client}.txt`);
    writeFileSync(prompts, `${client} red circles\n${client} blue squares\n`);
    return { name: client, prompts };
  });
  const federated = { clients, localIterations: 1, layers: ['to_q', 'to_v'] };
  return folder.configFor(name, [...SETTINGS, ...overrides], { federated });
}

async function train(
  workers: readonly Workers[],
  name: string,
  overrides: readonly string[],
  partOf: (rank: number) => { from?: ResumePoint; signal?: AbortSignal } = () => ({}),
) {
  return Promise.all(
    workers.map(async (own, rank) => {
      const recording = recordRun();
      const config = configFor(`${name}-${String(rank)}`, overrides);
      const { from, signal = forever } = partOf(rank);
      const summary = await runLoop(config, recording, signal, from, { workers: own });
      return { ...recording, summary, output: config.output };
    }),
  );
}

const FILE = 'pytorch_lora_weights.safetensors';
const adaptersOf = (output: string) =>
  ['adapter', ...NAMES.map((name) => join('clients', name))].map((place) =>
    readFileSync(join(output, place, FILE)).toString('base64'),
  );
const figures = ({ client, round, iteration, rewards, loss, exchangedBytes }: IterationRecord) => ({
  ...{ client, round, iteration, rewards, loss, exchangedBytes },
});

test('the numbers are the same, and so are those of a run that goes on', async () => {
  const [alone] = await train([ALONE], 'alone', ['iterations=6']);
  const both = await train(workersTogether(2), 'both', ['iterations=6']);
  expect(adaptersOf(both[0]!.output)).toEqual(adaptersOf(alone!.output));
  for (const { iterations } of both) {
    expect(iterations.map(figures)).toEqual(alone!.iterations.map(figures));
  }
  expect(existsSync(both[1]!.output)).toBe(false);
  expect(both[0]!.evaluations.map(({ name }) => name)).toEqual([
    ...['before', 'after', 'client-one', 'client-two', 'client-three'],
  ]);
  // An evaluation is divided, and images may differ in the last bit of a number.
  for (const [index, { mean }] of alone!.evaluations.entries()) {
    expect(both[0]!.evaluations[index]?.mean).toBeCloseTo(mean, 1);
  }

  // The first round alone, of a run of two.
  const controller = new AbortController();
  let updates = 0;
  const recorder = recordRun({
    phase: (phase, fraction) => {
      if (phase === 'update' && fraction === 0) updates += 1;
      if (updates === 2) controller.abort();
    },
  });
  const workers = workersTogether(2);
  const [first] = await Promise.all(
    workers.map((own, rank) =>
      runLoop(
        configFor(`broken-${String(rank)}`, ['iterations=6']),
        rank === 1 ? recorder : recordRun(),
        rank === 1 ? controller.signal : forever,
        undefined,
        { workers: own },
      ),
    ),
  );
  expect(first).toMatchObject({ iterations: 3, interrupted: true });
  const { output } = configFor('broken-0', ['iterations=6']);
  const { checkpoint } = readNewestCheckpoint(join(output, 'checkpoints'));
  expect(checkpoint?.step).toBe(3);
  const from: ResumePoint = { checkpoint, evaluations: [], onDifference: () => undefined };
  // The second has nothing to go on from but the first.
  await train(workersTogether(2), 'broken', ['iterations=6'], (rank) =>
    rank === 0 ? { from } : {},
  );
  expect(adaptersOf(output)).toEqual(adaptersOf(alone!.output));
});
