import * as tf from '@tensorflow/tfjs-core';
import type { Vector } from './vector';

/**
 * KL divergence per row of two Gaussians of equal σ whose means differ by `shift`, a mean over the dimensions:
 * mean(Δμ²) / (2σ²).
 *
 * @param name what errors call the rows
 * @param shift Δμ, `[rows, …]`, differentiable
 * @param sigma σ > 0: one for all rows, or one per row, `[rows]`
 * @returns `[rows]`, ≥ 0; not finite where a σ in a tensor is not positive
 * @throws Error when the shapes do not fit; RangeError when a σ given as a number is not positive
 */
export function shiftDivergence(
  name: string,
  shift: tf.Tensor,
  sigma: number | Vector,
): tf.Tensor1D {
  const shape: readonly number[] = shift.shape;
  const [rows = 0] = shape;
  const sigmas = typeof sigma === 'number' ? Array.from({ length: rows }, () => sigma) : sigma;
  const sigmaShape = sigmas instanceof tf.Tensor ? sigmas.shape : [sigmas.length];
  if (rows === 0 || sigmaShape.join() !== String(rows)) {
    throw new Error(
      `sigma [${sigmaShape.join(', ')}] must have one entry per row of ${name} [${shape.join(', ')}].`,
    );
  }
  return tf.tidy(() =>
    tf.mul(tf.mean(tf.square(tf.reshape(shift, [rows, -1])), 1), weightsOf(sigmas)),
  );
}

/** 1 / (2σ²) */
function weightsOf(sigmas: Vector): tf.Tensor1D {
  // Where σ is not positive its rectification is 0, and the weight infinite.
  if (sigmas instanceof tf.Tensor) return tf.div(0.5, tf.mul(sigmas, tf.relu(sigmas)));
  const weights = Array.from(sigmas, (deviation) => {
    if (!(deviation > 0 && Number.isFinite(deviation))) {
      throw new RangeError(
        `A Gaussian's sigma must be above 0, got ${deviation}. Leave deterministic steps out.`,
      );
    }
    return 0.5 / (deviation * deviation);
  });
  return tf.tensor1d(weights);
}

/** @throws Error when two tensors `[rows, …]` differ in shape */
export function checkSameShape(name: string, one: tf.Tensor, other: string, two: tf.Tensor): void {
  if (one.shape.join() === two.shape.join()) return;
  throw new Error(
    `${name} [${one.shape.join(', ')}] and ${other} [${two.shape.join(', ')}] must have the same shape [rows, …].`,
  );
}

/** @throws Error unless `shift` has as many rows as `like` */
export function checkShiftRows(shift: tf.Tensor, rows: number, like: string): void {
  const shape: readonly number[] = shift.shape;
  if (shape[0] === rows) return;
  throw new Error(
    `meanShift [${shape.join(', ')}] must be [${rows}, …], a row for each of ${like} [${rows}].`,
  );
}
