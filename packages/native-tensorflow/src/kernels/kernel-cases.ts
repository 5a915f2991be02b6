/**
 * Each kernel at small odd sizes, and the same layer in TensorFlow.js's own operations. An installation is held against it
 * before it is used, and so are the tests.
 */
import * as tf from '@tensorflow/tfjs-core';

export type KernelInputs = Readonly<Record<string, tf.Tensor>>;

export interface KernelCase {
  readonly kernel: string;
  /** What is special about it. */
  readonly about: string;
  readonly attributes: tf.NamedAttrMap;
  /** New ones at each call, to be disposed of; the same numbers each time. */
  readonly inputs: () => KernelInputs;
  /** What the kernel must give, in its order. */
  readonly expected: (inputs: KernelInputs) => tf.Tensor[];
}

/** The outputs, also of a kernel that has one. */
export function runKernel({ kernel, attributes }: KernelCase, inputs: KernelInputs): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernel, { ...inputs }, attributes);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Numbers in [−1, 1). */
function random(shapes: Readonly<Record<string, readonly number[]>>): () => KernelInputs {
  return () => {
    const entries = Object.entries(shapes).map(([name, shape], index) => {
      const tensor = tf.randomUniform([...shape], -1, 1, 'float32', index + 1);
      return [name, tensor] as const;
    });
    return Object.fromEntries(entries);
  };
}

function addIfThere(y: tf.Tensor, ...others: readonly (tf.Tensor | undefined)[]): tf.Tensor {
  return others.reduce<tf.Tensor>((sum, other) => (other ? tf.add(sum, other) : sum), y);
}

const linearCases: readonly KernelCase[] = [
  {
    kernel: 'LoopLinear',
    about: 'with a bias and something to add',
    attributes: { inputsFirst: false },
    inputs: random({ x: [13, 7], weight: [37, 7], bias: [37], add: [13, 37] }),
    expected: ({ x, weight, bias, add }) => [
      addIfThere(tf.matMul(x!, weight!, false, true), bias, add),
    ],
  },
  {
    kernel: 'LoopLinear',
    about: 'with the inputs first, on one row',
    attributes: { inputsFirst: true },
    inputs: random({ x: [1, 33], weight: [33, 5] }),
    expected: ({ x, weight }) => [tf.matMul(x!, weight!)],
  },
  {
    kernel: 'LoopLinearWeightGradient',
    about: 'of 11 rows',
    attributes: {},
    inputs: random({ dy: [11, 5], x: [11, 35] }),
    expected: ({ dy, x }) => [tf.matMul(dy!, x!, true, false)],
  },
];

export const kernelCases: readonly KernelCase[] = [...linearCases];
