import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from './backend-choice';
import { useBestBackend } from './use-best-backend';

/** The operations of a LoRA update, each as a function of one input; their gradients must work as well. */
const image = () => tf.randomNormal<tf.Rank.R4>([1, 8, 8, 4], 0, 1, 'float32', 1);
const matrix = () => tf.randomNormal<tf.Rank.R2>([5, 7], 0, 1, 'float32', 2);
const kernel = () => tf.randomNormal<tf.Rank.R4>([3, 3, 4, 6], 0, 1, 'float32', 3);

const onImages: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
  conv2d: (x) => tf.conv2d(x, kernel(), 1, 'same'),
  'conv2d, stride 2': (x) => tf.conv2d(x, kernel(), 2, 'same'),
  'mean and variance': (x) => tf.moments(x, [1, 2], true).variance,
  resizeNearestNeighbor: (x) => tf.image.resizeNearestNeighbor(x, [16, 16]),
  pad: (x) => tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), // prettier-ignore
  transpose: (x) => tf.transpose(x, [0, 3, 1, 2]),
  'batched matMul': (x) =>
    tf.matMul(tf.reshape(x, [8, 8, 4]), tf.reshape(x, [8, 8, 4]), false, true),
};

const onMatrices: Record<string, (x: tf.Tensor2D) => tf.Tensor> = {
  matMul: (x) => tf.matMul(x, matrix(), false, true),
  erf: (x) => tf.erf(x),
  sigmoid: (x) => tf.mul(x, tf.sigmoid(x)),
  tanh: (x) => tf.tanh(x),
  softmax: (x) => tf.softmax(x),
  logSumExp: (x) => tf.logSumExp(x, -1),
  rsqrt: (x) => tf.rsqrt(tf.add(tf.square(x), 1)),
  exp: (x) => tf.exp(x),
  'sum and mean': (x) => tf.add(tf.sum(x, 1), tf.mean(x, 1)),
  'maximum and clipByValue': (x) => tf.maximum(tf.neg(x), tf.neg(tf.clipByValue(x, -1, 1))),
  'concat, split and slice': (x) => tf.slice(tf.concat([x, x], 1), [0, 3], [5, 6]),
};

async function onBackend(backend: BackendName, compute: () => tf.Tensor): Promise<number[]> {
  await useBestBackend({ backend, quiet: true });
  return Array.from(tf.tidy(() => compute().dataSync()));
}

async function expectAgreement(compute: () => tf.Tensor): Promise<void> {
  const wasm = await onBackend('wasm', compute);
  const plain = await onBackend('cpu', compute);
  expect(wasm).toHaveLength(plain.length);
  // Float32 sums of up to 300 terms of size 1 in another order.
  wasm.forEach((value, index) => {
    expect(Math.abs(value - (plain[index] ?? NaN))).toBeLessThan(1e-4 * (1 + Math.abs(value)));
  });
}

it.each(Object.entries(onImages))(
  '%s agrees with plain JavaScript, gradient too',
  async (_name, call) => {
    await expectAgreement(() => call(image()));
    await expectAgreement(() => tf.grad((x) => tf.sum(tf.square(call(x as tf.Tensor4D))))(image()));
  },
);

it.each(Object.entries(onMatrices))(
  '%s agrees with plain JavaScript, gradient too',
  async (_name, call) => {
    await expectAgreement(() => call(matrix()));
    await expectAgreement(() =>
      tf.grad((x) => tf.sum(tf.square(call(x as tf.Tensor2D))))(matrix()),
    );
  },
);
