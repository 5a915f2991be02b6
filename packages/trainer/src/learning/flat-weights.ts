/** Many weights as one vector: a step costs the same few operations however many matrices an adapter has. */
import * as tf from '@tensorflow/tfjs-core';

/** One after the other, `[numbers of all]`. */
export function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [tensor.size]))));
}

/** What {@link flatten} made one vector of, in the shapes of `like`; the vector stays the caller's. */
export function unflatten(vector: tf.Tensor1D, like: readonly tf.Tensor[]): tf.Tensor[] {
  return tf.tidy(() => {
    const parts = tf.split(
      vector,
      like.map(({ size }) => size),
    );
    return like.map(({ shape }, index) => tf.reshape(parts[index] as tf.Tensor, shape));
  });
}

/** Gives the variables the vector's numbers; the vector stays the caller's. */
export function assignFlat(variables: readonly tf.Variable[], vector: tf.Tensor1D): void {
  for (const [index, part] of unflatten(vector, variables).entries()) {
    variables[index]?.assign(part);
    part.dispose();
  }
}
