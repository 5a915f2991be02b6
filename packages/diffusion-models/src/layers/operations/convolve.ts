/** Convolutions of images, and their gradients; without a tape. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel';
import type { ProductTerms } from './product';

/** Where a convolution's windows lie. */
export interface Windows {
  readonly stride: 1 | 2;
  /** Rows and columns of zeros before the image; after it as many as the last window reaches. */
  readonly padding: readonly [top: number, left: number];
  readonly outputSize: readonly [height: number, width: number];
}

/**
 * Convolution + bias + add.
 *
 * @param x `[batch, height, width, in]`
 * @param kernel `[size, size, in, out]`
 * @returns `[batch, …outputSize, out]`
 */
export function convolve(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  windows: Windows,
  { bias, add }: ProductTerms = {},
): tf.Tensor4D {
  if (hasKernel('LoopConvolution')) {
    return runConvolution(x, kernel, windows, 1, { bias, add });
  }
  const { padded, pad } = frame(x, kernel.shape[0], windows);
  let value: tf.Tensor4D = tf.conv2d(padded, kernel, windows.stride, pad);
  if (bias !== undefined) value = tf.add(value, bias);
  return add === undefined ? value : tf.add(value, add);
}

/** The same of an image that is enlarged twice before, each pixel repeated; where the backend has {@link convolve}'s kernel. */
export function convolveDoubled(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  windows: Windows,
  terms: ProductTerms,
): tf.Tensor4D {
  return runConvolution(x, kernel, windows, 2, terms);
}

function runConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { stride, padding, outputSize }: Windows,
  enlargement: 1 | 2,
  { bias, add }: ProductTerms,
): tf.Tensor4D {
  const attributes = { stride, enlargement, padding: [...padding], outputSize: [...outputSize] };
  return runKernel('LoopConvolution', { x, kernel, bias, add }, attributes)[0] as tf.Tensor4D;
}

/** @returns `[batch, …inputSize, in]` */
export function convolutionInputGradient(
  dy: tf.Tensor4D,
  kernel: tf.Tensor4D,
  windows: Windows,
  inputSize: readonly [height: number, width: number],
): tf.Tensor4D {
  const { stride, padding } = windows;
  if (hasKernel('LoopConvolutionInputGradient')) {
    const attributes = { stride, padding: [...padding], inputSize: [...inputSize] };
    return runKernel('LoopConvolutionInputGradient', { dy, kernel }, attributes)[0] as tf.Tensor4D;
  }
  const [size, , channels] = kernel.shape;
  const shape: Shape4D = [dy.shape[0], ...inputSize, channels];
  const { margins, pad } = margin(shape, size, windows);
  const paddedShape = shape.map((length, axis) => length + sum(margins[axis]!)) as Shape4D;
  const gradient = tf.engine().runKernel<tf.Tensor4D>(
    tf.Conv2DBackpropInput,
    { dy, filter: kernel },
    {
      ...tfjsAttributes(stride, pad),
      inputShape: paddedShape,
    },
  );
  if (pad === 'same') return gradient;
  return tf.slice4d(gradient, margins.map(([before]) => before) as Shape4D, shape);
}

/** @returns the shape of the kernel, `[size, size, in, out]` */
export function convolutionKernelGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  windows: Windows,
  size: number,
): tf.Tensor4D {
  const { stride, padding } = windows;
  if (hasKernel('LoopConvolutionKernelGradient')) {
    const attributes = { stride, padding: [...padding], kernelSize: size };
    return runKernel('LoopConvolutionKernelGradient', { dy, x }, attributes)[0] as tf.Tensor4D;
  }
  const { padded, pad } = frame(x, size, windows);
  return tf.engine().runKernel<tf.Tensor4D>(
    tf.Conv2DBackpropFilter,
    { dy, x: padded },
    {
      ...tfjsAttributes(stride, pad),
      filterShape: [size, size, x.shape[3], dy.shape[3]],
    },
  );
}

type Shape4D = [number, number, number, number];
type Margin = [before: number, after: number];

function tfjsAttributes(stride: number, pad: 'same' | 'valid') {
  return { strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1] };
}

/** The image as TensorFlow.js' own operations want it: framed, unless its "same" does that already and saves the copy. */
function frame(
  x: tf.Tensor4D,
  size: number,
  windows: Windows,
): { padded: tf.Tensor4D; pad: 'same' | 'valid' } {
  const { margins, pad } = margin(x.shape, size, windows);
  return { padded: pad === 'same' ? x : tf.pad(x, margins), pad };
}

function margin(
  shape: Shape4D,
  size: number,
  { stride, padding, outputSize }: Windows,
): { margins: [Margin, Margin, Margin, Margin]; pad: 'same' | 'valid' } {
  const along = (axis: 0 | 1): Margin => {
    const before = padding[axis];
    const reached = (outputSize[axis] - 1) * stride + size;
    return [before, Math.max(0, reached - shape[axis + 1]! - before)];
  };
  // TensorFlow's "same": ⌈length / stride⌉ windows, what they need cut in halves with the odd one after.
  const isSame = (axis: 0 | 1): boolean => {
    const length = shape[axis + 1] as number;
    const needed = Math.max(0, (outputSize[axis] - 1) * stride + size - length);
    return outputSize[axis] === Math.ceil(length / stride) && padding[axis] === needed >> 1;
  };
  const none: Margin = [0, 0];
  return isSame(0) && isSame(1)
    ? { margins: [none, none, none, none], pad: 'same' }
    : { margins: [none, along(0), along(1), none], pad: 'valid' };
}

function sum([before, after]: Margin): number {
  return before + after;
}
