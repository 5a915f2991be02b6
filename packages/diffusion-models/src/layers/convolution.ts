import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { effectiveKernel } from './linear';
import { parameter } from './parameter';

/**
 * A 3×3 convolution that keeps the size.
 *
 * @param x `[batch, height, width, in]`
 * @param options without its bias where the caller adds that more cheaply
 * @returns `[batch, height, width, out]`
 */
export function convolution(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  options: { bias: boolean } = { bias: true },
): tf.Tensor4D {
  return convolve(parameters, path, x, 1, 'same', options.bias);
}

/**
 * A 3×3 convolution with stride 2, which halves the size.
 *
 * @param x `[batch, height, width, in]`
 * @param padding one row of zeros on every side (`around`), or only below and on the right (`after`)
 * @returns `[batch, ⌈height / 2⌉, ⌈width / 2⌉, out]` for `around`, rounded down for `after`
 */
export function halvingConvolution(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  padding: 'around' | 'after',
): tf.Tensor4D {
  const [, height, width] = x.shape;
  // What the last window reaches of the padding. TensorFlow's "same" pads [0, 1] where the size is
  // even and [1, 1] where it is odd: where that is the same, there is no need to copy the image.
  const margin = (size: number): [number, number] => {
    const before = padding === 'around' ? 1 : 0;
    return [before, (size + before) % 2 === 0 ? 1 : 0];
  };
  const isSame = (size: number): boolean => margin(size)[0] === size % 2;
  if (isSame(height) && isSame(width)) return convolve(parameters, path, x, 2, 'same');
  const padded = tf.pad(x, [[0, 0], margin(height), margin(width), [0, 0]]);
  return convolve(parameters, path, padded, 2, 'valid');
}

function convolve(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  stride: 1 | 2,
  pad: 'same' | 'valid',
  hasBias = true,
): tf.Tensor4D {
  const weight = effectiveKernel(parameters, path);
  const bias = hasBias ? parameter(parameters.weights, `${path}.bias`) : undefined;
  const attributes = {
    strides: [stride, stride],
    pad,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    inputShape: x.shape,
    filterShape: weight.shape,
  };
  const inputs = { x, weight, ...(bias && { bias }) } as Inputs;
  const convolved = () => tf.conv2d(x, weight, stride, pad);
  return differentiable(inputs, () => ({
    value: bias === undefined ? convolved() : tf.add(convolved(), bias),
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

type Inputs = Record<'x' | 'weight' | 'bias', tf.Tensor>;

/**
 * A 1×1 convolution: a matrix product over all pixels.
 *
 * @param x `[batch, …, in]`
 * @param bias the convolution's own, unless another is given
 * @returns `[batch, …, out]`
 */
export function pointwiseConvolution<T extends tf.Tensor>(
  parameters: ModelParameters,
  path: string,
  x: T,
  bias: tf.Tensor = parameter(parameters.weights, `${path}.bias`),
): T {
  const weight = effectiveKernel(parameters, path);
  const [, , inputs, outputs] = weight.shape;
  return differentiable({ x, weight, bias }, () => {
    const pixels: tf.Tensor2D = tf.reshape(x, [-1, inputs]);
    const matrix: tf.Tensor2D = tf.reshape(weight, [inputs, outputs]);
    return {
      value: tf.reshape(tf.add(tf.matMul(pixels, matrix), bias), [
        ...x.shape.slice(0, -1),
        outputs,
      ]),
      saved: [pixels, matrix],
      gradients: (outputGradient, saved) => {
        const [savedPixels, savedMatrix] = saved as [tf.Tensor2D, tf.Tensor2D];
        const gradient: tf.Tensor2D = tf.reshape(outputGradient, [-1, outputs]);
        return {
          x: () => tf.reshape(tf.matMul(gradient, savedMatrix, false, true), x.shape),
          weight: () => tf.reshape(tf.matMul(savedPixels, gradient, true, false), weight.shape),
          bias: () => tf.sum(gradient, 0),
        };
      },
    };
  }) as T;
}
