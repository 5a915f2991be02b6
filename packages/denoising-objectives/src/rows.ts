import * as tf from '@tensorflow/tfjs-core';

/** One number per row: a tensor `[rows]`, or plain numbers that are constants of the objective. */
export type Vector = tf.Tensor1D | Float32Array | readonly number[];

/**
 * @param like what has that many rows
 * @throws Error when a vector's length is not `rows`
 */
export function toVector(name: string, vector: Vector, rows: number, like: string): tf.Tensor1D {
  const tensor = vector instanceof tf.Tensor ? vector : tf.tensor1d(Float32Array.from(vector));
  if (tensor.shape.join() !== String(rows)) {
    throw new Error(
      `${name} [${tensor.shape.join(', ')}] and ${like} [${rows}] must have the same shape [rows].`,
    );
  }
  return tensor;
}

/**
 * @returns how many rows a tensor has
 * @throws RangeError when there is nothing to average over
 */
export function rowsOf(name: string, tensor: tf.Tensor): number {
  const shape: readonly number[] = tensor.shape;
  const [rows = 0] = shape;
  if (rows > 0) return rows;
  throw new RangeError(
    `An objective needs at least one row, but ${name} has the shape [${shape.join(', ')}].`,
  );
}

/** @throws Error when two tensors `[rows, …]` differ in shape */
export function checkSameShape(name: string, one: tf.Tensor, other: string, two: tf.Tensor): void {
  if (one.shape.join() === two.shape.join()) return;
  throw new Error(
    `${name} [${one.shape.join(', ')}] and ${other} [${two.shape.join(', ')}] must have the same shape [rows, …].`,
  );
}

/** Mean over all but the first axis, `[rows]`. */
export function meanOfRows(tensor: tf.Tensor, rows: number): tf.Tensor1D {
  return tf.mean(tf.reshape(tensor, [rows, -1]), 1);
}

/** @throws RangeError unless `value` is a finite number, and above 0 or, with `orZero`, at least 0 */
export function checkPositive(name: string, value: number, { orZero = false } = {}): void {
  if (Number.isFinite(value) && (orZero ? value >= 0 : value > 0)) return;
  throw new RangeError(
    `${name} must be a finite number ${orZero ? 'of at least' : 'above'} 0, got ${value}.`,
  );
}
