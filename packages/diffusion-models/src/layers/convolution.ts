import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { parameter } from './parameter';

/**
 * A convolution with its bias. With stride 1 the padding keeps the size; with stride 2 the image must
 * come padded (see {@link downsample} of each model, they pad differently) and none is added.
 *
 * @param x `[batch, height, width, in]`
 * @returns `[batch, height / stride, width / stride, out]`
 */
export function convolution(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  stride: 1 | 2 = 1,
): tf.Tensor4D {
  const weight = parameter<tf.Tensor4D>(parameters.weights, `${path}.weight`);
  const bias = parameter<tf.Tensor1D>(parameters.weights, `${path}.bias`);
  const pad = stride === 1 ? 'same' : 'valid';
  const attributes = {
    strides: [stride, stride],
    pad,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    inputShape: x.shape,
    filterShape: weight.shape,
  };
  return differentiable({ x, weight, bias }, () => ({
    value: tf.add(tf.conv2d(x, weight, stride, pad), bias),
    saved: [x, weight],
    gradients: (outputGradient, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor, tf.Tensor];
      const run = (kernel: string, inputs: tf.NamedTensorMap): tf.Tensor =>
        tf.engine().runKernel(kernel, inputs, attributes);
      return {
        x: () => run(tf.Conv2DBackpropInput, { dy: outputGradient, filter: savedWeight }),
        weight: () => run(tf.Conv2DBackpropFilter, { dy: outputGradient, x: savedX }),
        bias: () => tf.sum(outputGradient, [0, 1, 2]),
      };
    },
  })) as tf.Tensor4D;
}

/**
 * A 1×1 convolution: a matrix product over all pixels.
 *
 * @param x `[batch, height, width, in]` or `[batch, tokens, in]`
 */
export function pointwiseConvolution<T extends tf.Tensor3D | tf.Tensor4D>(
  parameters: ModelParameters,
  path: string,
  x: T,
): T {
  const weight = parameter<tf.Tensor4D>(parameters.weights, `${path}.weight`);
  const bias = parameter<tf.Tensor1D>(parameters.weights, `${path}.bias`);
  const [, , inputs, outputs] = weight.shape;
  const matrix = tf.reshape(weight, [inputs, outputs]);
  return differentiable({ x, matrix, bias }, () => ({
    value: tf.reshape(tf.add(tf.matMul(tf.reshape(x, [-1, inputs]), matrix), bias), [
      ...x.shape.slice(0, -1),
      outputs,
    ]),
    saved: [x, matrix],
    gradients: (outputGradient, saved) => {
      const [savedX, savedMatrix] = saved as [tf.Tensor, tf.Tensor];
      const rows = tf.reshape(outputGradient, [-1, outputs]);
      return {
        x: () => tf.reshape(tf.matMul(rows, savedMatrix, false, true), x.shape),
        matrix: () => tf.matMul(tf.reshape(savedX, [-1, inputs]), rows, true, false),
        bias: () => tf.sum(rows, 0),
      };
    },
  })) as T;
}
