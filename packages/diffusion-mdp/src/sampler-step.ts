/** A sampler's step on tensors. */

import * as tf from '@tensorflow/tfjs-core';
import type { SamplerStep } from './sampler';
import type { SamplerWeights } from './sampler-weights';

/**
 * A sampler's step as a tensor, for a function that is compiled once and called for every step: the numbers of a
 * {@link SamplerStep} would become constants of it.
 */
export interface SamplerStepTensor {
  /** `[1, 6]`, float32: the columns are this package's own affair. */
  readonly columns: tf.Tensor2D;
}

/** A step as it was taken. Shapes: latents `[batch, height, width, channels]`. */
export interface SampledStep {
  /** x', the sample at the next noise level. */
  readonly sample: tf.Tensor4D;
  /** x̂0, which the next step wants. */
  readonly original: tf.Tensor4D;
}

const WEIGHT_NAMES = [
  'inputScale',
  'originalFromSample',
  'originalFromOutput',
  'nextFromSample',
  'nextFromOriginal',
  'nextFromPrevious',
] as const satisfies (keyof SamplerWeights)[];

/** @returns the caller disposes `columns` */
export function samplerStepTensor({ weights }: SamplerStep): SamplerStepTensor {
  const values = WEIGHT_NAMES.map((name) => weights[name]);
  return { columns: tf.tensor2d(values, [1, values.length], 'float32') };
}

/**
 * What the network is given of a sample.
 *
 * @param sample x, `[batch, height, width, channels]`
 */
export function scaleModelInput(
  step: SamplerStep | SamplerStepTensor,
  sample: tf.Tensor4D,
): tf.Tensor4D {
  return tf.tidy(() => tf.mul(sample, weightOf(step, 'inputScale')));
}

/**
 * Takes a step: x̂0 from sample and output, and x' from sample, x̂0 and the step before's.
 *
 * @param sample x, `[batch, height, width, channels]`
 * @param modelOutput the network's prediction for {@link scaleModelInput} of it (after guidance), same shape
 * @param previousOriginal `original` of the step before, same shape; at the first step zeros, or null
 */
export function takeSamplerStep(
  step: SamplerStep | SamplerStepTensor,
  sample: tf.Tensor4D,
  modelOutput: tf.Tensor4D,
  previousOriginal: tf.Tensor4D | null,
): SampledStep {
  for (const tensor of [modelOutput, previousOriginal ?? sample]) {
    if (tensor.shape.join() === sample.shape.join()) continue;
    throw new Error(
      `A step's tensors must have the sample's shape [${sample.shape.join(', ')}], got [${tensor.shape.join(', ')}].`,
    );
  }
  return tf.tidy(() => {
    const weighted = (tensor: tf.Tensor4D, name: keyof SamplerWeights): tf.Tensor4D =>
      tf.mul(tensor, weightOf(step, name));
    const original: tf.Tensor4D = tf.add(
      weighted(sample, 'originalFromSample'),
      weighted(modelOutput, 'originalFromOutput'),
    );
    const firstOrder: tf.Tensor4D = tf.add(
      weighted(sample, 'nextFromSample'),
      weighted(original, 'nextFromOriginal'),
    );
    if (previousOriginal === null) return { sample: firstOrder, original };
    const next: tf.Tensor4D = tf.add(firstOrder, weighted(previousOriginal, 'nextFromPrevious'));
    return { sample: next, original };
  });
}

function weightOf(step: SamplerStep | SamplerStepTensor, name: keyof SamplerWeights): tf.Tensor {
  if (!('columns' in step)) return tf.scalar(step.weights[name]);
  return tf.reshape(tf.slice(step.columns, [0, WEIGHT_NAMES.indexOf(name)], [1, 1]), []);
}
