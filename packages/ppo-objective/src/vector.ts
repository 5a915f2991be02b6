import * as tf from '@tensorflow/tfjs-core';

/** One number per row: a tensor `[rows]`, or plain numbers that are constants of the objective. */
export type Vector = tf.Tensor1D | Float32Array | readonly number[];

/** @throws Error when a vector's length is not that of `logProb` */
export function toVector(name: string, vector: Vector, rows: number): tf.Tensor1D {
  const tensor = vector instanceof tf.Tensor ? vector : tf.tensor1d(Float32Array.from(vector));
  if (tensor.shape.join() !== String(rows)) {
    throw new Error(
      `${name} [${tensor.shape.join(', ')}] and logProb [${rows}] must have the same shape [rows].`,
    );
  }
  return tensor;
}

/** @throws RangeError when there is nothing to average over */
export function checkRows(rows: number): void {
  if (rows === 0) throw new RangeError('An objective needs at least one row of log-probabilities.');
}
