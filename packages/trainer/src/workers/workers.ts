/**
 * The processes that carry out a run together. Each draws and scores a part of an iteration's prompts and takes the gradient of
 * its images; what they find is exchanged, so that all take the same optimizer steps and none needs to be told of another's.
 *
 * All must make the same calls in the same order. What decides which calls are made is therefore itself exchanged first.
 *
 * Only `learning`, `scoring`, `run` and `command-line` may import this folder.
 */
import type * as tf from '@tensorflow/tfjs-core';

export interface Workers {
  /** Of this process, from 0. */
  readonly rank: number;
  readonly size: number;
  /**
   * The elementwise sum over all, the same bits in each; frees what it is given.
   *
   * @throws ClusterError when one of the others is gone
   */
  sum(vector: tf.Tensor1D): Promise<tf.Tensor1D>;
  /**
   * What each of them gives, by rank: numbers, texts, lists and plain objects.
   *
   * @throws ClusterError when one of the others is gone
   */
  gather<Value>(value: Value): Promise<Value[]>;
}

/** A process by itself. */
export const ALONE: Workers = {
  rank: 0,
  size: 1,
  sum: (vector) => Promise.resolve(vector),
  gather: (value) => Promise.resolve([value]),
};

/** A contiguous part of `count` things, as large as those of the others but for one. */
export function shareOf(
  { rank, size }: Pick<Workers, 'rank' | 'size'>,
  count: number,
): { readonly first: number; readonly count: number } {
  const first = Math.floor((rank * count) / size);
  return { first, count: Math.floor(((rank + 1) * count) / size) - first };
}
