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

const linearCases: readonly KernelCase[] = [
  {
    kernel: 'LoopLinear',
    about: 'with a bias and something to add',
    attributes: { inputsFirst: false },
    inputs: random({ x: [13, 7], weight: [37, 7], bias: [37], add: [13, 37] }),
    expected: ({ x, weight, bias, add }) => [
      tf.add(tf.add(tf.matMul(x!, weight!, false, true), bias!), add!),
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

/** value · gelu(gate), gelu(x) = x Φ(x) = x (1 + erf(x / √2)) / 2. */
function gate(x: tf.Tensor): tf.Tensor {
  const [value, gated] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
  const normal = tf.mul(tf.add(tf.erf(tf.mul(gated, Math.SQRT1_2)), 1), 0.5);
  return tf.mul(value, tf.mul(gated, normal));
}

const gateCases: readonly KernelCase[] = [
  {
    kernel: 'LoopGate',
    about: 'of 9 rows',
    attributes: {},
    inputs: random({ x: [9, 2 * 19] }),
    expected: ({ x }) => [gate(x!)],
  },
  {
    kernel: 'LoopGateGradient',
    about: 'of 9 rows',
    attributes: {},
    inputs: random({ x: [9, 2 * 19], dy: [9, 19] }),
    expected: ({ x, dy }) => [tf.grad(gate)(x!, dy)],
  },
  {
    kernel: 'LoopGatedLinear',
    about: 'with a bias',
    attributes: {},
    inputs: random({ x: [15, 7], weight: [2 * 21, 7], bias: [2 * 21] }),
    expected: ({ x, weight, bias }) => [gate(tf.add(tf.matMul(x!, weight!, false, true), bias!))],
  },
];

export const kernelCases: readonly KernelCase[] = [...linearCases, ...gateCases];
