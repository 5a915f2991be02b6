import {
  compile,
  parallelParts,
  sideBySide,
  type Compiled,
} from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { cutRows, joinRows } from './trainer-internals';

/** A batch of tensors, a row each for those that have rows. */
export type Batch = Readonly<Record<string, tf.Tensor>>;

/**
 * Compiles a function of a batch, cut into a part per core as the trainer cuts it.
 *
 * @param rows of the batch
 * @param run the function on one part; `constants` are the same for all parts
 * @returns its result may still be under way on a GPU, see {@link finish}
 */
export function compiledRows<Constants>(
  rows: number,
  constants: Constants,
  run: (constants: Constants, part: Batch) => tf.Tensor,
): (batch: Batch) => tf.Tensor {
  const compiled = compile((given: Constants, batch: Batch, parts: number) =>
    joinRows(sideBySide(cutRows(batch, parts), (part) => tf.tidy(() => run(given, part)))),
  );
  return callOf(compiled, rows, constants);
}

/** The same for what adds up over rows: gradients of shared weights, as one vector. */
export function compiledSum<Constants>(
  rows: number,
  constants: Constants,
  run: (constants: Constants, part: Batch) => tf.Tensor,
): (batch: Batch) => tf.Tensor {
  const compiled = compile((given: Constants, batch: Batch, parts: number) =>
    tf.addN(sideBySide(cutRows(batch, parts), (part) => tf.tidy(() => run(given, part)))),
  );
  return callOf(compiled, rows, constants);
}

/** Gradients one after the other, as one vector. */
export function asVector(gradients: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(gradients.map((gradient) => tf.reshape(gradient, [gradient.size])));
}

function callOf<Constants>(
  compiled: Compiled<[Constants, Batch, number], tf.Tensor>,
  rows: number,
  constants: Constants,
): (batch: Batch) => tf.Tensor {
  return (batch) => {
    const [, height = 0, width = 0] =
      Object.values(batch).find(({ rank }) => rank === 4)?.shape ?? [];
    return compiled(constants, batch, parallelParts(rows, height * width));
  };
}

/** Waits until a result is there, and frees it: reading a single number waits for the work and copies nothing large. */
export function finish(result: tf.Tensor): void {
  tf.tidy(() => tf.slice(tf.reshape(result, [result.size]), 0, 1).dataSync());
  result.dispose();
}
