/** Numbers of rows without a gradient, a chunk at a time. */
import type { TrajectoryRow } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import { cutIntoChunks, filledUp } from './term';

/**
 * @param numbersOf of as many rows as `batch` at most, a number for each
 * @returns one per row, in their order
 * @throws the signal's reason when it is aborted
 */
export async function readRows(
  rows: readonly TrajectoryRow[],
  batch: number,
  numbersOf: (rows: readonly TrajectoryRow[]) => tf.Tensor1D,
  signal?: AbortSignal,
): Promise<number[]> {
  const numbers: number[] = [];
  for (const chunk of cutIntoChunks(rows, batch, 1)) {
    await nextTurn(signal);
    const tensor = tf.tidy(() => numbersOf(filledUp(chunk, batch, 1)));
    const values = await tensor.data<'float32'>();
    tensor.dispose();
    numbers.push(...values.subarray(0, chunk.length));
  }
  return numbers;
}
