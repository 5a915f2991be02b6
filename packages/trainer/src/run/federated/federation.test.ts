/** Federated runs on a pipeline of a few thousand weights, held to what they are where nothing is federated in them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../../configuration/schema';
import { readNewestCheckpoint } from '../../run-folder/checkpoint-folder';
import { UnfitCheckpoint } from '../../run-folder/unfit-checkpoint';
import { makeRunFolder, recordRun, type RunFolder } from '../../testing/tiny-run';
import { writeTrainedFile } from '../../weights/trained-file';
import { parseVectorsFile, vectorsFile } from '../checkpoint-files';
import type { GivenObjects } from '../given';
import { runLoop, type ResumePoint } from '../loop';
import { openRun } from '../open-run';
import { seedOfClient } from './clients';

const forever = new AbortController().signal;
let folder: RunFolder;
let others: string;
beforeAll(() => {
  folder = makeRunFolder();
  others = join(dirname(folder.configFor('x').prompts), 'others.txt');
  writeFileSync(others, 'three blue squares\na yellow star\n');
});
afterAll(() => {
  folder.remove();
});

const QUICK = [
  ...['evaluate.images=0', 'samples.count=0', 'sampler.steps=2', 'algorithm.innerEpochs=1'],
];

function configFor(name: string, federated: object | null, overrides: readonly string[] = []) {
  const all = federated && { clients: twoClients(), localIterations: 1, ...federated };
  return folder.configFor(name, [...QUICK, ...overrides], { federated: all });
}

const twoClients = () => [
  { name: 'one', prompts: folder.configFor('x').prompts },
  { name: 'two', prompts: others },
];

async function run(
  config: TrainConfig,
  {
    from,
    given,
    signal = forever,
  }: { from?: ResumePoint; given?: GivenObjects; signal?: AbortSignal } = {},
) {
  const recording = recordRun();
  const summary = await runLoop(config, recording, signal, from, given);
  return { ...recording, summary };
}

const FILE = 'pytorch_lora_weights.safetensors';
const adapterOf = ({ output }: TrainConfig) => readFileSync(join(output, 'adapter', FILE));
const adapterOfClient = ({ output }: TrainConfig, name: string) =>
  readFileSync(join(output, 'clients', name, FILE));

/** Where a run begins, as a file that others can begin from. */
async function startOf(config: TrainConfig): Promise<string> {
  const opened = await openRun(config, { withoutFiles: true });
  const path = join(dirname(config.prompts), 'start.safetensors');
  writeFileSync(path, writeTrainedFile(opened.policy));
  opened.dispose();
  return path;
}

/** The client's part of a federated run, by itself. */
async function alone(name: string, client: 0 | 1, start: string, overrides: readonly string[]) {
  const config = configFor(name, null, [
    ...overrides,
    `seed=${String(seedOfClient(0, client))}`,
    `prompts=${twoClients()[client]!.prompts}`,
    `lora.from=${start}`,
  ]);
  const { iterations } = await run(config);
  return { adapter: adapterOf(config), iterations };
}

const numbersIn = (adapter: Buffer) =>
  new Map(
    [...readSafetensors(new Uint8Array(adapter)).tensors].map(([name, tensor]) => [
      name,
      toFloat32Array(tensor),
    ]),
  );

test('one client that shares all with a server that only averages is the plain run', async () => {
  const plain = configFor('plain', null, ['iterations=4']);
  const federated = configFor(
    'one-client',
    { clients: twoClients().slice(0, 1), localIterations: 2, serverLearningRate: 0 },
    ['iterations=4'],
  );
  const expected = await run(plain);
  const found = await run(federated);
  expect(adapterOf(federated).equals(adapterOf(plain))).toBe(true);
  expect(adapterOfClient(federated, 'one').equals(adapterOf(plain))).toBe(true);
  const rewardsOf = ({ iterations }: typeof found) => iterations.map(({ rewards }) => rewards);
  expect(rewardsOf(found)).toEqual(rewardsOf(expected));
  expect(found.iterations).toMatchObject([
    { iteration: 1, client: 'one', round: 1 },
    { iteration: 2, client: 'one', round: 1, exchangedBytes: expect.any(Number) },
    { iteration: 3, client: 'one', round: 2 },
    { iteration: 4, client: 'one', round: 2 },
  ]);
  const numbers = [...numbersIn(adapterOf(plain)).values()].reduce(
    (sum, { length }) => sum + length,
    0,
  );
  expect(found.iterations.map(({ exchangedBytes }) => exchangedBytes)).toEqual([
    ...[undefined, numbers * 4 * 2, undefined, numbers * 4 * 2],
  ]);
});

test('clients that share nothing are independent runs, also of a method that remembers rewards', async () => {
  const method = ['algorithm.name=ppo', 'rewards.0.scale=running-z-score'];
  const config = configFor('independent', { layers: 'none' }, ['iterations=4', ...method]);
  const start = await startOf(config);
  const { iterations } = await run(config);
  expect(adapterOf(config).equals(readFileSync(start))).toBe(true);
  for (const client of [0, 1] as const) {
    const own = await alone(`alone-${String(client)}`, client, start, ['iterations=2', ...method]);
    const name = twoClients()[client]!.name;
    expect(adapterOfClient(config, name).equals(own.adapter)).toBe(true);
    const records = iterations.filter((record) => record.client === name);
    expect(records.map(({ loss }) => loss)).toEqual(own.iterations.map(({ loss }) => loss));
  }
  expect(iterations.map(({ client }) => client)).toEqual(['one', 'two', 'one', 'two']);
  expect(iterations.at(-1)?.exchangedBytes).toBe(0);
});

test('after a round the shared modules are the mean of the clients, and the others their own', async () => {
  const config = configFor('mean', { layers: ['to_q'], serverLearningRate: 0 }, ['iterations=2']);
  const start = await startOf(config);
  await run(config);
  const [first, second] = await Promise.all([
    alone('mean-0', 0, start, ['iterations=1']),
    alone('mean-1', 1, start, ['iterations=1']),
  ]);
  const [one, two] = [numbersIn(first.adapter), numbersIn(second.adapter)];
  const begin = numbersIn(readFileSync(start));
  const global = numbersIn(adapterOf(config));
  const personal = numbersIn(adapterOfClient(config, 'two'));
  let shared = 0;
  for (const [key, numbers] of global) {
    const isShared = key.includes('.to_q.');
    if (isShared) shared += 1;
    const mean = one.get(key)!.map((value, index) => (value + two.get(key)![index]!) / 2);
    expect(numbers).toEqual(isShared ? mean : begin.get(key));
    expect(personal.get(key)).toEqual(isShared ? mean : two.get(key));
  }
  expect(shared).toBeGreaterThan(0);
  expect(shared).toBeLessThan(global.size);
});

test('modules that are not shared are left out where nothing is personal', async () => {
  const config = configFor('not-personal', { layers: ['to_q'], personal: false }, ['iterations=2']);
  await run(config);
  const keys = [...numbersIn(adapterOf(config)).keys()];
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.every((key) => key.includes('.to_q.'))).toBe(true);
  expect(adapterOfClient(config, 'one').equals(adapterOf(config))).toBe(true);
});

const THREE_ROUNDS = ['iterations=6', 'checkpoint.every=2'];

test('a run that is stopped within a round goes on from the one before as if it had not been', async () => {
  const straight = configFor('straight', { layers: ['to_q', 'to_k'] }, THREE_ROUNDS);
  const broken = configFor('broken', { layers: ['to_q', 'to_k'] }, THREE_ROUNDS);
  const { iterations } = await run(straight);
  // What the first round sets up stays; after it nothing is added.
  expect(iterations[5]!.tensors).toBe(iterations[3]!.tensors);

  const controller = new AbortController();
  const recording = recordRun();
  let updates = 0;
  const stopping = {
    ...recording,
    phase: (phase: string, fraction: number) => {
      if (phase === 'update' && fraction === 0) updates += 1;
      // In the turn of the third round's second client.
      if (updates === 6) controller.abort();
    },
  };
  const summary = await runLoop(broken, stopping, controller.signal);
  expect(summary).toMatchObject({ iterations: 4, interrupted: true });
  expect(recording.iterations).toHaveLength(4);
  const { checkpoint } = readNewestCheckpoint(join(broken.output, 'checkpoints'));
  expect(checkpoint?.step).toBe(4);
  const differences: string[] = [];
  const kept = tf.memory().numTensors;
  const again = await run(broken, {
    from: { checkpoint, evaluations: [], onDifference: (one) => void differences.push(one) },
  });
  expect(tf.memory().numTensors).toBe(kept);
  expect(differences).toEqual([]);
  expect(again.iterations).toMatchObject(
    iterations
      .slice(4)
      .map(({ loss, rewards, client, round }) => ({ loss, rewards, client, round })),
  );
  expect(adapterOf(broken).equals(adapterOf(straight))).toBe(true);
  for (const { name } of twoClients()) {
    expect(adapterOfClient(broken, name).equals(adapterOfClient(straight, name))).toBe(true);
  }
  // The server's steps have gone beyond the mean, and the adapters are not alike.
  expect(adapterOfClient(broken, 'one').equals(adapterOfClient(broken, 'two'))).toBe(false);
});

test('a checkpoint whose clients are missing or are others is refused', async () => {
  const config = configFor('refused', {}, ['iterations=2']);
  await run(config);
  const checkpoint = readNewestCheckpoint(join(config.output, 'checkpoints')).checkpoint!;
  const kept = tf.memory().numTensors;
  const goOn = (name: string, bytes: Uint8Array | undefined, federated: object = {}) => {
    const files = { ...checkpoint.files };
    if (bytes === undefined) Reflect.deleteProperty(files, name);
    else files[name] = bytes;
    const from = {
      checkpoint: { ...checkpoint, files },
      evaluations: [],
      onDifference: () => undefined,
    };
    return run(configFor('refused-again', federated, ['iterations=4']), { from });
  };
  const text = new TextDecoder().decode(checkpoint.files['federation.json']);
  const encode = (json: string) => new TextEncoder().encode(json);
  await expect(goOn('client_1.safetensors', undefined)).rejects.toThrow(
    'client_1.safetensors is missing',
  );
  await expect(goOn('federation.json', encode(text.replace('"two"', '"three"')))).rejects.toThrow(
    'federation.json is of the clients one, three, not one, two',
  );
  await expect(
    goOn('federation.json', checkpoint.files['federation.json'], { layers: ['to_q'] }),
  ).rejects.toThrow('federation.json is of other shared modules');
  await expect(goOn('federation.json', encode('{"learningRate": -1}'))).rejects.toThrow(
    UnfitCheckpoint,
  );
  const short = { weights: new Float32Array(1), control: new Float32Array(1) };
  await expect(goOn('client_0.safetensors', vectorsFile(short))).rejects.toThrow(
    'The state of a client is of 1 weights',
  );
  const { weights, control } = parseVectorsFile(checkpoint.files['client_0.safetensors']!);
  const withoutMoments = vectorsFile({ weights: weights!, control: control! });
  await expect(goOn('client_0.safetensors', withoutMoments)).rejects.toThrow(
    "The optimizer's state has no 'first_moment'",
  );
  await expect(
    goOn('client_0.safetensors', checkpoint.files['server.safetensors']),
  ).rejects.toThrow('client_0.safetensors lacks the weights');
  await expect(
    goOn('server.safetensors', checkpoint.files['client_0.safetensors']),
  ).rejects.toThrow(UnfitCheckpoint);
  expect(tf.memory().numTensors).toBe(kept);
});

test('families are taken from the prompts of the run, and each client is evaluated on its own', async () => {
  const clients = [
    { name: 'circles', family: 'circle' },
    { name: 'squares', family: 'square', rewards: [{ name: 'jpeg-compressibility' }] },
  ];
  const config = configFor('families', { clients, sampleRate: 0.5 }, [
    ...['iterations=1', 'evaluate.images=4'],
  ]);
  const prompts = ['circle', 'square'].flatMap((family) =>
    ['a red', 'a blue'].map((colour) => ({ text: `${colour} ${family}`, family })),
  );
  const { iterations, evaluations } = await run(config, { given: { prompts, heldOut: prompts } });
  // A part of the clients in each round: here one.
  expect(iterations).toHaveLength(1);
  expect(evaluations.map(({ name, count }) => [name, count])).toEqual([
    ...[
      ['before', 4],
      ['after', 4],
      ['client-circles', 2],
      ['client-squares', 2],
    ],
  ]);
  const [, , circles, squares] = evaluations;
  expect(circles).toMatchObject({ imageFamilies: ['circle', 'circle'], trainedOn: true });
  expect(Object.keys(circles!.components ?? {})).toEqual(['jpeg-incompressibility']);
  expect(Object.keys(squares!.components ?? {})).toEqual(['jpeg-compressibility']);
  expect(existsSync(join(config.output, 'clients', 'squares', FILE))).toBe(true);

  const without = configFor('without', { clients: [{ name: 'stars', family: 'star' }] });
  await expect(run(without, { given: { prompts, heldOut: prompts } })).rejects.toThrow(
    "The client 'stars' has the family 'star', but none of the prompts of the run is of it; there are circle, square",
  );
  const half = { ...configFor('half', {}), iterations: 3 };
  await expect(run(half)).rejects.toThrow(
    'The run is to have 3 iterations, but a round of its clients has 2; it must be a multiple of that',
  );
  const nowhere = configFor('nowhere', { layers: ['to_x'] });
  await expect(run(nowhere)).rejects.toThrow("federated.layers names 'to_x'");
});

test('a report that fails in a round leaves the whole round behind it', async () => {
  const config = configFor('failing-report', {}, ['iterations=4', 'checkpoint.every=4']);
  const failing = recordRun({
    iteration: ({ iteration }) => {
      if (iteration === 3) throw new Error('no space left');
    },
  });
  await expect(runLoop(config, failing, forever)).rejects.toThrow('no space left');
  const { checkpoint } = readNewestCheckpoint(join(config.output, 'checkpoints'));
  expect(checkpoint!.step).toBe(4);
});
