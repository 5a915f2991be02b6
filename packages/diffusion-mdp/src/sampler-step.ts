/** A sampler's step on tensors. */

import * as tf from '@tensorflow/tfjs-core';
import type { SamplerStep } from './sampler';
import type { SamplerWeights } from './sampler-weights';

declare const ofThisPackage: unique symbol;

/**
 * A sampler's step as a tensor, from {@link samplerStepTensor}, for a function that is compiled once and called for every step:
 * the numbers of a {@link SamplerStep} would become constants of it. `tf.dispose(step)` frees it.
 */
export type SamplerStepTensor = {
  readonly [ofThisPackage]: 'sampler step';
};

/** What is in it: the weights in a row, `[1, 6]`, float32. */
interface WeightColumns {
  readonly columns: tf.Tensor2D;
}

/** A step as it was taken; a type, so that `tf.tidy` may return it. */
export type SampledStep<T extends tf.Tensor = tf.Tensor4D> = {
  /** x', the sample at the next noise level, `[batch, …]`. */
  readonly sample: T;
  /** x̂0, which the next step wants, same shape. */
  readonly original: T;
};

const WEIGHT_NAMES = [
  'inputScale',
  'originalFromSample',
  'originalFromOutput',
  'nextFromSample',
  'nextFromOriginal',
  'nextFromPrevious',
] as const satisfies (keyof SamplerWeights)[];

/** @returns the caller disposes it */
export function samplerStepTensor({ weights }: SamplerStep): SamplerStepTensor {
  const values = WEIGHT_NAMES.map((name) => weights[name]);
  const made: WeightColumns = { columns: tf.tensor2d(values, [1, values.length], 'float32') };
  return made as unknown as SamplerStepTensor;
}

/**
 * What the network is given of a sample.
 *
 * @param sample x, `[batch, …]`
 */
export function scaleModelInput<T extends tf.Tensor>(
  step: SamplerStep | SamplerStepTensor,
  sample: T,
): T {
  return tf.tidy(() => tf.mul(sample, weightOf(step, 'inputScale')));
}

/**
 * Takes a step: x̂0 from sample and output, and x' from sample, x̂0 and the step before's.
 *
 * @param sample x, `[batch, …]`
 * @param modelOutput the network's prediction for {@link scaleModelInput} of it (after guidance), same shape
 * @param previousOriginal `original` of the step before, same shape; at the first step zeros, or null
 */
export function takeSamplerStep<T extends tf.Tensor>(
  step: SamplerStep | SamplerStepTensor,
  sample: T,
  modelOutput: T,
  previousOriginal: tf.Tensor | null,
): SampledStep<T> {
  for (const tensor of [modelOutput, previousOriginal ?? sample]) {
    if (tensor.shape.join() === sample.shape.join()) continue;
    throw new Error(
      `A step's tensors must have the sample's shape [${sample.shape.join(', ')}], got [${tensor.shape.join(', ')}].`,
    );
  }
  return tf.tidy(() => {
    const weighted = (tensor: T, name: keyof SamplerWeights): T =>
      tf.mul(tensor, weightOf(step, name));
    const original: T = tf.add(
      weighted(sample, 'originalFromSample'),
      weighted(modelOutput, 'originalFromOutput'),
    );
    const firstOrder: T = tf.add(
      weighted(sample, 'nextFromSample'),
      weighted(original, 'nextFromOriginal'),
    );
    if (previousOriginal === null) return { sample: firstOrder, original };
    const next: T = tf.add(firstOrder, weighted(previousOriginal as T, 'nextFromPrevious'));
    return { sample: next, original };
  });
}

function weightOf(step: SamplerStep | SamplerStepTensor, name: keyof SamplerWeights): tf.Tensor {
  if ('weights' in step) return tf.scalar(step.weights[name]);
  const { columns } = step as unknown as WeightColumns;
  return tf.reshape(tf.slice(columns, [0, WEIGHT_NAMES.indexOf(name)], [1, 1]), []);
}
