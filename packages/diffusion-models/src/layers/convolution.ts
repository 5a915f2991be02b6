import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { effectiveKernel } from './effective-weight';
import {
  convolutionInputGradient,
  convolutionKernelGradient,
  convolve,
  convolveDoubled,
  type Windows,
} from './operations/convolve';
import { hasKernel } from './operations/kernel';
import { product, weightGradient } from './operations/product';
import { asFloat32 } from './operations/stored-weight';
import { observe } from './observe';
import { parameter } from './parameter';
import { resizeNearest } from './upsampling';

export interface ConvolutionOptions {
  /** False where the caller adds it more cheaply. */
  readonly bias?: boolean;
  /** Added to the result, of its shape. */
  readonly add?: tf.Tensor4D | undefined;
}

/**
 * A 3×3 convolution that keeps the size.
 *
 * @param x `[batch, height, width, in]`
 * @returns `[batch, height, width, out]`
 */
export function convolution(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  options: ConvolutionOptions = {},
): tf.Tensor4D {
  return convolutionOver(parameters, path, x, keepingSize(x.shape), options);
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
  const before = padding === 'around' ? 1 : 0;
  const halved = (size: number) => Math.floor((size + before) / 2);
  return convolutionOver(parameters, path, x, {
    stride: 2,
    padding: [before, before],
    outputSize: [halved(height), halved(width)],
  });
}

/**
 * A 3×3 convolution of an image that is enlarged before, each pixel repeated.
 *
 * @param x `[batch, height, width, in]`
 * @param size of the enlarged image, which need not be twice `x`'s
 * @returns `[batch, …size, out]`
 */
export function enlargingConvolution(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  size: readonly [height: number, width: number],
): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const isDoubled = size[0] === 2 * height && size[1] === 2 * width;
  if (!isDoubled || !hasKernel('LoopConvolution')) {
    return convolution(parameters, path, resizeNearest(x, size));
  }
  const kernel = effectiveKernel(parameters, path);
  const bias = parameter(parameters.weights, `${path}.bias`);
  const windows = keepingSize([batch, ...size, channels]);
  const result = differentiable({ x, kernel, bias }, () => ({
    value: convolveDoubled(x, asFloat32(kernel), windows, { bias }),
    saved: [x, kernel],
    gradients: (dy, [savedX, savedKernel]) => ({
      x: () => {
        const weight = asFloat32(savedKernel as tf.Tensor4D);
        const large = convolutionInputGradient(dy as tf.Tensor4D, weight, windows, size);
        // The sum of the four pixels that one has become.
        return tf.mul(tf.avgPool(large, 2, 2, 'valid'), 4);
      },
      kernel: () => {
        const large = resizeNearest(savedX as tf.Tensor4D, size);
        return convolutionKernelGradient(dy as tf.Tensor4D, large, windows, kernel.shape[0]);
      },
      bias: () => tf.sum(dy, [0, 1, 2]),
    }),
  })) as tf.Tensor4D;
  observe(parameters, path, () => result);
  return result;
}

function keepingSize([, height, width]: readonly [number, number, number, number]): Windows {
  return { stride: 1, padding: [1, 1], outputSize: [height, width] };
}

function convolutionOver(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  windows: Windows,
  { bias: hasBias = true, add }: ConvolutionOptions = {},
): tf.Tensor4D {
  const kernel = effectiveKernel(parameters, path);
  const bias = hasBias ? parameter(parameters.weights, `${path}.bias`) : undefined;
  const [size] = kernel.shape;
  const [, height, width] = x.shape;
  const result = differentiable({ x, kernel, bias, add }, () => ({
    value: convolve(x, asFloat32(kernel), windows, { bias, add }),
    saved: [x, kernel],
    gradients: (outputGradient, saved) => {
      const [savedX, savedKernel] = saved as [tf.Tensor4D, tf.Tensor4D];
      const dy = outputGradient as tf.Tensor4D;
      return {
        x: () => convolutionInputGradient(dy, asFloat32(savedKernel), windows, [height, width]),
        kernel: () => convolutionKernelGradient(dy, savedX, windows, size),
        bias: () => tf.sum(dy, [0, 1, 2]),
        add: () => dy,
      };
    },
  })) as tf.Tensor4D;
  observeConvolution(parameters, path, result, { bias, add });
  return result;
}

/**
 * A 1×1 convolution: a matrix product over all pixels.
 *
 * @param x `[batch, …, in]`
 * @param terms `bias` the convolution's own, unless another is given; `add` of the result's shape
 * @returns `[batch, …, out]`
 */
export function pointwiseConvolution<T extends tf.Tensor>(
  parameters: ModelParameters,
  path: string,
  x: T,
  { bias = parameter(parameters.weights, `${path}.bias`), add }: PointwiseTerms<T> = {},
): T {
  const kernel = effectiveKernel(parameters, path);
  const [, , inputs, outputs] = kernel.shape;
  const rows = (t: tf.Tensor, width: number): tf.Tensor2D => tf.reshape(t, [-1, width]);
  const result = differentiable({ x, kernel, bias, add }, () => {
    const pixels = rows(x, inputs);
    const matrix = (stored: tf.Tensor): tf.Tensor2D =>
      tf.reshape(asFloat32(stored), [inputs, outputs]);
    const value = product(pixels, matrix(kernel), true, { bias, add: add && rows(add, outputs) });
    return {
      value: tf.reshape(value, [...x.shape.slice(0, -1), outputs]),
      saved: [pixels, kernel],
      gradients: (outputGradient, saved) => {
        const [savedPixels, savedKernel] = saved as [tf.Tensor2D, tf.Tensor4D];
        const dy = rows(outputGradient, outputs);
        return {
          x: () => tf.reshape(product(dy, matrix(savedKernel), false), x.shape),
          kernel: () => tf.reshape(weightGradient(savedPixels, dy), kernel.shape),
          bias: () => tf.sum(dy, 0),
          add: () => outputGradient,
        };
      },
    };
  }) as T;
  observeConvolution(parameters, path, result, { bias, add });
  return result;
}

/** @param terms that the result has, in the place of the convolution's own bias alone */
function observeConvolution(
  parameters: ModelParameters,
  path: string,
  result: tf.Tensor,
  { bias, add }: { bias: tf.Tensor | undefined; add: tf.Tensor | undefined },
): void {
  observe(parameters, path, () => {
    const own = parameter(parameters.weights, `${path}.bias`);
    const alone = add === undefined ? result : tf.sub(result, add);
    if (bias === own) return alone;
    return tf.add(bias === undefined ? alone : tf.sub(alone, bias), own);
  });
}

export interface PointwiseTerms<T extends tf.Tensor> {
  readonly bias?: tf.Tensor;
  readonly add?: T | undefined;
}
