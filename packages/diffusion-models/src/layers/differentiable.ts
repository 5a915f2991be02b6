import * as tf from '@tensorflow/tfjs-core';

/** One gradient per differentiable input, under the input's name; computed only if it is needed. */
export type LazyGradients<Name extends string> = Record<Name, () => tf.Tensor>;

export interface Differentiated<Name extends string> {
  readonly value: tf.Tensor;
  /** Tensors that the gradient needs: inputs, or results of the forward computation. */
  readonly saved: readonly tf.Tensor[];
  readonly gradients: (
    outputGradient: tf.Tensor,
    saved: readonly tf.Tensor[],
  ) => LazyGradients<Name>;
}

/**
 * Runs a computation that brings its own gradient, as one node of the tape.
 *
 * `tf.customGrad` is the same but demands the gradients of all inputs whenever one is asked for:
 * fine-tuning an adapter would then pay for the gradients of every frozen weight. It calls the
 * engine's `runKernelFunc` with eager values where that takes functions; this calls it with functions.
 *
 * @param inputs those that are undefined are not there, and their gradients are never asked for
 */
export function differentiable<Name extends string>(
  inputs: Readonly<Record<Name, tf.Tensor | undefined>>,
  compute: () => Differentiated<Name>,
): tf.Tensor {
  let gradients: Differentiated<Name>['gradients'];
  const engine = tf.engine() as unknown as Engine;
  const given = Object.entries<tf.Tensor | undefined>(inputs).filter(([, tensor]) => tensor);
  return engine.runKernelFunc({
    inputs: Object.fromEntries(given) as Record<string, tf.Tensor>,
    forwardFunc: (_backend, save) => {
      const computed = compute();
      gradients = computed.gradients;
      save(computed.saved);
      return computed.value;
    },
    backwardsFunc: (outputGradient, saved) => gradients(outputGradient, saved),
  });
}

interface Engine {
  runKernelFunc(invocation: {
    inputs: Readonly<Record<string, tf.Tensor>>;
    forwardFunc: (backend: unknown, save: (tensors: readonly tf.Tensor[]) => void) => tf.Tensor;
    backwardsFunc: (
      outputGradient: tf.Tensor,
      saved: readonly tf.Tensor[],
    ) => Record<string, () => tf.Tensor>;
  }): tf.Tensor;
}
