import * as tf from '@tensorflow/tfjs-core';

/** One number per row: a tensor `[rows]`, or plain numbers that are constants of the objective. */
export type Vector = tf.Tensor1D | Float32Array | readonly number[];

/**
 * @param like what has that many rows
 * @throws Error when a vector's length is not `rows`
 */
export function toVector(
  name: string,
  vector: Vector,
  rows: number,
  like = 'logProb',
): tf.Tensor1D {
  const tensor = vector instanceof tf.Tensor ? vector : tf.tensor1d(Float32Array.from(vector));
  if (tensor.shape.join() !== String(rows)) {
    throw new Error(
      `${name} [${tensor.shape.join(', ')}] and ${like} [${rows}] must have the same shape [rows].`,
    );
  }
  return tensor;
}

/** @throws RangeError when there is nothing to average over */
export function checkRows(rows: number): void {
  if (rows === 0) throw new RangeError('An objective needs at least one row of log-probabilities.');
}

/** @throws RangeError unless `value` is a finite number, and above 0 or, with `orZero`, at least 0 */
export function checkPositive(name: string, value: number, { orZero = false } = {}): void {
  if (Number.isFinite(value) && (orZero ? value >= 0 : value > 0)) return;
  throw new RangeError(
    `${name} must be a finite number ${orZero ? 'of at least' : 'above'} 0, got ${value}.`,
  );
}
