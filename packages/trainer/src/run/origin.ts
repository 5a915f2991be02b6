/** What a run's numbers come from: whoever goes on with it is told what has changed since. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';

import type { BackendChoice } from '@loop-diffusion/native-tensorflow';
import { asFloat32, type StableDiffusion, type Weights } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { WeightedReward } from '../scoring/rewards';
import type { Client } from './federated/clients';

/** Texts by what they say, such as `seed`. */
export type Origin = Readonly<Record<string, string>>;

interface Parts {
  readonly config: TrainConfig;
  readonly backend: Pick<BackendChoice, 'name' | 'version' | 'kernels'>;
  readonly model: StableDiffusion;
  readonly prompts: readonly TaggedPrompt[];
  readonly heldOut: readonly TaggedPrompt[];
  readonly rewards: readonly WeightedReward[];
  /** Of a federated run. */
  readonly clients?: readonly Client[] | undefined;
  /** How many processes carry the run out. */
  readonly workers: number;
  /** That of the method, where it is the user's own and in a file. */
  readonly code?: Uint8Array | undefined;
}

/** The sections and keys of a configuration that numbers depend on; files are told apart by what is in them. */
const SETTINGS = [
  ...['seed', 'algorithm', 'sampler', 'batch', 'optimizer', 'lora', 'gradientCheckpointing'],
  ...['precision', 'ema'],
] as const satisfies readonly (keyof TrainConfig)[];

/** To be called while the model has all its weights, as they were loaded. */
export function originOf(parts: Parts): Origin {
  const { config, backend, model, prompts, heldOut, rewards, clients = [], workers, code } = parts;
  return {
    backend: `${backend.name} ${backend.version}`,
    kernels: backend.kernels.set ?? "TensorFlow's own",
    platform: `${process.platform} ${process.arch}`,
    threads: String(availableParallelism()),
    workers: String(workers),
    ...Object.fromEntries(SETTINGS.flatMap((name) => leaves(name, config[name]))),
    'memory.frozenWeights': JSON.stringify(config.memory.frozenWeights),
    ...Object.fromEntries(rewards.map((term) => [`reward ${term.name}`, describeTerm(term)])),
    ...ofFederation(config.federated, clients),
    ...(code && { "digest of the method's module": digest(code) }),
    'digest of the model': digest(sampleOfWeights(model)),
    'digest of the training prompts': digest(textsOf(prompts)),
    'digest of the held-out prompts': digest(textsOf(heldOut)),
  };
}

/** Nothing for a run of one client, as before there were others. */
function ofFederation(federated: TrainConfig['federated'], clients: readonly Client[]): Origin {
  if (federated === null) return {};
  const ofClient = ({ name, prompts, rewards }: Client) => [
    [`digest of the prompts of ${name}`, digest(textsOf(prompts))],
    ...rewards.map((term) => [`reward ${term.name} of ${name}`, describeTerm(term)]),
  ];
  return Object.fromEntries([
    // Clients go by what they train on, which files may have elsewhere.
    ...leaves('federated', { ...federated, clients: clients.map(({ name }) => name) }),
    ...clients.flatMap(ofClient),
  ]) as Origin;
}

/** @returns one sentence's middle for each, such as `seed was 0 and is 99` */
export function differencesBetween(before: Origin, now: Origin): string[] {
  return Object.entries(before)
    .filter(([name, value]) => now[name] !== value)
    .map(([name, value]) => `${name} was ${value} and is ${now[name] ?? 'gone'}`);
}

/** Values by their dotted keys. */
export function leaves(path: string, value: unknown): (readonly [key: string, value: string])[] {
  // Where the first weights came from matters no more when there are others.
  if (path === 'lora.from' || value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${path}.${name}`, inner));
}

/** A version stands for the settings and files of a reward. */
function describeTerm({ reward, weight, policy = 'mask', scale = 'none' }: WeightedReward): string {
  return `version ${reward.version}, weight ${weight}, policy ${policy}, scale ${JSON.stringify(scale)}`;
}

function textsOf(prompts: readonly TaggedPrompt[]): string {
  return JSON.stringify(prompts.map(({ text }) => text));
}

/** Numbers of each tensor that are looked at: training changes all, and gigabytes take their time. */
const NUMBERS = 8;

function sampleOfWeights({ unet, vae, textEncoder, textEncoder2 }: StableDiffusion): Uint8Array {
  const tensors = [unet, vae, textEncoder, textEncoder2].flatMap((part) =>
    Object.values<tf.Tensor>((part?.weights ?? {}) satisfies Weights),
  );
  const sample = tf.tidy(() =>
    tf.concat1d(
      tensors.map((tensor) =>
        // One after the other: as float32 they may need twice the memory that they are kept in.
        tf.tidy(() =>
          tf.slice1d(tf.reshape(asFloat32(tensor), [-1]), 0, Math.min(NUMBERS, tensor.size)),
        ),
      ),
    ),
  );
  try {
    const values = sample.dataSync<'float32'>();
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  } finally {
    sample.dispose();
  }
}

function digest(contents: string | Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex').slice(0, 12);
}
