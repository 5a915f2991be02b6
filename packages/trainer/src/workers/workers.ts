/**
 * The processes that carry out a run together. Each draws and scores a part of an iteration's prompts and takes the gradient of
 * its images; what they find is exchanged, so that all take the same optimizer steps and none needs to be told of another's.
 *
 * All must make the same calls in the same order. What decides which calls are made is therefore itself exchanged first, and
 * who cannot go on says so in the place of its next call, so that no other waits for it.
 *
 * Only `learning`, `scoring`, `run`, `api` and `command-line` may import this folder.
 */
import type * as tf from '@tensorflow/tfjs-core';

import { UserError } from '../user-error';

export interface Workers {
  /** Of this process, from 0. */
  readonly rank: number;
  readonly size: number;
  /** Spent in the calls so far, the wait for the slowest included. */
  readonly seconds: number;
  /**
   * The elementwise sum over all, the same bits in each; frees what it is given.
   *
   * @throws ClusterError when one of the others is gone, WorkerLeft when one cannot go on
   */
  sum(vector: tf.Tensor1D): Promise<tf.Tensor1D>;
  /**
   * What each of them gives, by rank: numbers, texts, lists and plain objects.
   *
   * @throws ClusterError when one of the others is gone, WorkerLeft when one cannot go on
   */
  gather<Value>(value: Value): Promise<Value[]>;
  /**
   * The first worker's numbers; those of the others, of which there must be as many, do not matter. Frees what it is given.
   *
   * @throws ClusterError when one of the others is gone, WorkerLeft when one cannot go on
   */
  broadcast(vector: tf.Tensor1D): Promise<tf.Tensor1D>;
  /**
   * Says that this one goes no further, unless all have ended already: the others' next call ends with WorkerLeft, and no more
   * calls are made.
   *
   * @throws ClusterError when one of the others is gone
   */
  leave(departure: Departure): Promise<void>;
  /**
   * Waits until all have come to their end, after which no more calls are made.
   *
   * @throws ClusterError when one of the others is gone, WorkerLeft when one cannot go on
   */
  end(): Promise<void>;
}

/** Why a worker goes no further. */
export interface Departure {
  /** Undefined where it was ended from outside. */
  readonly problem: string | undefined;
}

/** Another worker goes no further, and so none does. */
export class WorkerLeft extends UserError {
  /** Whether it was ended from outside. */
  readonly interrupted: boolean;

  constructor(rank: number, { problem }: Departure) {
    super(
      problem === undefined
        ? `Worker ${String(rank)} was ended`
        : `Worker ${String(rank)} cannot go on: ${problem}`,
    );
    this.interrupted = problem === undefined;
  }
}

/** A process by itself. */
export const ALONE: Workers = {
  rank: 0,
  size: 1,
  seconds: 0,
  sum: (vector) => Promise.resolve(vector),
  gather: (value) => Promise.resolve([value]),
  broadcast: (vector) => Promise.resolve(vector),
  leave: () => Promise.resolve(),
  end: () => Promise.resolve(),
};

/** A contiguous part of `count` things, as large as those of the others but for one. */
export function shareOf(
  { rank, size }: Pick<Workers, 'rank' | 'size'>,
  count: number,
): { readonly first: number; readonly count: number } {
  const first = Math.floor((rank * count) / size);
  return { first, count: Math.floor(((rank + 1) * count) / size) - first };
}
