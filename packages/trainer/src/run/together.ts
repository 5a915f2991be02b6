/** What several workers make sure of, so that they stay one run. */
import { createHash } from 'node:crypto';

import * as tf from '@tensorflow/tfjs-core';

import { version } from '../../package.json';
import { flatten, unflatten } from '../learning/flat-weights';
import type { EvaluationRecord } from '../run-folder/records';
import { UserError } from '../user-error';
import type { Workers } from '../workers/workers';
import { restoreCheckpoint, type Progress } from './checkpoint';
import type { ResumePoint } from './loop';
import { leaves, type Origin } from './origin';
import type { Run } from './run';
import { holdState, releaseState, restoreState, type TrainingState } from './training-state';

export interface Start {
  readonly progress: Progress | undefined;
  /** Those made until then. */
  readonly earlier: readonly EvaluationRecord[] | undefined;
}

/**
 * Begins a run, or goes on with it. What it goes on from is the first worker's: the others need not have its folder.
 *
 * @throws UserError when a worker was started with something else than the first; what `restoreCheckpoint` throws
 */
export async function startTogether(run: Run, from: ResumePoint | undefined): Promise<Start> {
  const { workers } = run;
  if (workers.size > 1) refuseUnlike(await workers.gather(startedWith(run)));
  const own: Start = {
    progress: from?.checkpoint && restoreCheckpoint(run, from.checkpoint, from.onDifference),
    earlier: from?.evaluations,
  };
  const [start = own] = await workers.gather(workers.rank === 0 ? own : undefined);
  if (start.progress !== undefined) {
    await takeStateOfFirst(run);
    if (workers.size > 1 && run.federation !== undefined) {
      const [first] = await workers.gather(workers.rank === 0 ? run.federation.state() : undefined);
      run.federation.restore(first!);
    }
  }
  await checkWeights(run, start.progress?.iterations ?? 0);
  return start;
}

/** Files go by what is in them, and rewards by their versions: they may lie elsewhere on each machine. */
const PATHS = ['output', 'model', 'prompts', 'evaluate.prompts', 'rewards', 'federated.clients'];
const MODULE = "digest of the method's module";

function startedWith({
  config,
  origin,
  federation,
}: Pick<Run, 'config' | 'origin' | 'federation'>): Origin {
  const paths = MODULE in origin ? [...PATHS, 'algorithm.name'] : PATHS;
  const settings = Object.entries(config)
    .flatMap(([name, value]) => leaves(name, value))
    .filter(([key]) => !paths.includes(key));
  const contents = Object.entries(origin).filter(([name]) =>
    /^(digest |reward |federated\.clients$)/.test(name),
  );
  // By scores of its own, in which two machines may differ.
  const modules = federation && {
    'set of shared modules': federation.modules.toSorted().join(' '),
  };
  return { version, ...Object.fromEntries([...settings, ...contents]), ...modules };
}

function refuseUnlike([first = {}, ...others]: readonly Origin[]): void {
  for (const [index, other] of others.entries()) {
    const names = new Set([...Object.keys(first), ...Object.keys(other)]);
    const unlike = [...names].find((name) => first[name] !== other[name]);
    if (unlike === undefined) continue;
    throw new UserError(
      `Worker ${String(index + 1)} has another ${unlike} (${other[unlike] ?? 'none'}) than worker 0 (${first[unlike] ?? 'none'}); start all with the same version, configuration and files`,
    );
  }
}

/** Gives every worker the first one's state. */
export async function takeStateOfFirst(run: Run): Promise<void> {
  const { workers } = run;
  if (workers.size === 1) return;
  const held = holdState(run);
  const received: tf.Tensor[] = [];
  /** @param like how many and of which shapes there are everywhere */
  const ofFirst = async (like: readonly tf.Tensor[]): Promise<tf.Tensor[]> => {
    const vector = await workers.broadcast(flatten(like));
    const parts = unflatten(vector, like);
    vector.dispose();
    received.push(...parts);
    return parts;
  };
  try {
    const { weights, optimizer, averages, ...rest } = held;
    const { tensors, ...ofOptimizer } = optimizer;
    const [first] = await workers.gather({ ...rest, ofOptimizer, names: Object.keys(tensors) });
    const { names, ...numbers } = first!;
    // Before its first step an optimizer may have fewer than afterwards.
    const numbersOfAll = tf.zeros<tf.Rank.R1>([
      run.variables.reduce((sum, { size }) => sum + size, 0),
    ]);
    received.push(numbersOfAll);
    const vectors = await ofFirst(names.map((name) => tensors[name] ?? numbersOfAll));
    const ofFirstByName = names.map(
      (name, index) => [name, vectors[index] as tf.Tensor1D] as const,
    );
    const state: TrainingState = {
      ...numbers,
      weights: await ofFirst(weights),
      optimizer: { ...numbers.ofOptimizer, tensors: Object.fromEntries(ofFirstByName) },
      averages: {
        ...(averages.method && { method: await ofFirst(averages.method) }),
        ...(averages.ema && { ema: await ofFirst(averages.ema) }),
      },
    };
    restoreState(run, state);
  } finally {
    releaseState(held);
    for (const tensor of received) tensor.dispose();
  }
}

/** Workers that should have the same weights have not. */
export class UnlikeWeights extends UserError {}

/**
 * Compares the trained weights to the last bit. Gradients that are not summed everywhere show in nothing else for a long time.
 *
 * @param iterations that are done
 * @throws UnlikeWeights when a worker has others than the first
 */
export async function checkWeights(
  { workers, variables }: Pick<Run, 'workers' | 'variables'>,
  iterations: number,
): Promise<void> {
  if (workers.size === 1) return;
  const hash = createHash('sha256');
  for (const variable of variables) {
    const { buffer, byteOffset, byteLength } = variable.dataSync<'float32'>();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  const digests = await workers.gather(hash.digest('hex'));
  const unlike = digests.findIndex((digest) => digest !== digests[0]);
  if (unlike === -1) return;
  throw new UnlikeWeights(
    `After ${String(iterations)} iterations worker ${String(unlike)} has other weights than worker 0, so that nothing was kept of what came after the last checkpoint; this is a fault of the program or of a machine, so please report it`,
  );
}

/** Where a worker fails or is ended, the others are told; it says nothing where they already know, or are gone. */
export async function departFrom(
  workers: Workers,
  signal: AbortSignal | undefined,
  error: unknown,
): Promise<void> {
  const isEnd =
    signal?.aborted === true && error === signal.reason && !(error instanceof UserError);
  const problem = error instanceof Error ? error.message : String(error);
  await workers.leave({ problem: isEnd ? undefined : problem }).catch(() => undefined);
}
