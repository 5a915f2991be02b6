/** The policy p_θ(x_{t−1} | x_t, c): a diagonal Gaussian around DDIM's step (arXiv 2305.13301, eq. 4). */

import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import type { NoiseSchedule } from './noise-schedule';
import { rowsOf } from './per-row';
import {
  columnOf,
  isDeterministic,
  isStepTensor,
  sigmaColumn,
  sigmasOf,
  stepColumn,
} from './step-tensor';
import type { StepColumn, Steps, StepTensor } from './step-tensor';

/** One transition as it was taken; a type, so that `tf.tidy` may return it. */
export type PolicyStep<T extends tf.Tensor = tf.Tensor4D> = {
  /** μ + σ z, `[batch, …]`. Exactly these values are what `logProb` scores. */
  readonly previousSample: T;
  /** Mean log-density per dimension, `[batch]`; undefined when σ = 0. */
  readonly logProb: tf.Tensor1D | undefined;
};

/**
 * Mean of p(x_{t−1} | x_t): √ᾱ_p x̂0 + √(1−ᾱ_p−σ²) ε (arXiv 2010.02502, eq. 12). Differentiable in `modelOutput`.
 *
 * Without clipping the mean is linear in both arguments, μ = a·x_t + b·output, and is computed so: two products and a sum.
 *
 * @param step one step for the whole batch, or one per row
 * @param sample x_t, `[batch, …]`
 * @param modelOutput the network's prediction (after guidance), same shape
 * @returns μ, same shape
 */
export function policyMean<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  step: Steps,
  sample: T,
  modelOutput: T,
): T {
  checkGradients();
  checkSameShape('sample', sample, 'modelOutput', modelOutput);
  const { config } = schedule;
  return tf.tidy(() => {
    const column = (name: StepColumn) =>
      stepColumn(schedule, step, rowsOf(sample), name, sample.rank);
    if (!config.clipSample) {
      return tf.add(
        tf.mul(sample, column('meanFromSample')),
        tf.mul(modelOutput, column('meanFromOutput')),
      );
    }
    const original = predictOriginalSample(schedule, step, sample, modelOutput);
    const epsilon = predictNoise(schedule, step, sample, modelOutput);
    return tf.add(
      tf.mul(original, column('previousSignalRoot')),
      tf.mul(epsilon, column('directionRoot')),
    );
  });
}

/**
 * x̂0, the clean sample that the network's output amounts to; clamped when the schedule says `clipSample`.
 *
 * @returns `[batch, …]`
 */
export function predictOriginalSample<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  step: Steps,
  sample: T,
  modelOutput: T,
): T {
  checkGradients();
  checkSameShape('sample', sample, 'modelOutput', modelOutput);
  const { predictionType, clipSample, clipSampleRange } = schedule.config;
  return tf.tidy(() => {
    const column = (name: StepColumn) =>
      stepColumn(schedule, step, rowsOf(sample), name, sample.rank);
    const unclipped = (): T => {
      switch (predictionType) {
        case 'epsilon':
          return tf.div(
            tf.sub(sample, tf.mul(modelOutput, column('noiseRoot'))),
            column('signalRoot'),
          );
        case 'v_prediction':
          return tf.sub(
            tf.mul(sample, column('signalRoot')),
            tf.mul(modelOutput, column('noiseRoot')),
          );
        case 'sample':
          return tf.clone(modelOutput);
      }
    };
    const original = unclipped();
    return clipSample ? tf.clipByValue(original, -clipSampleRange, clipSampleRange) : original;
  });
}

/** ε as the network means it, never re-derived from a clamped x̂0 except where x̂0 is what the network predicts. */
function predictNoise<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  step: Steps,
  sample: T,
  modelOutput: T,
): T {
  const column = (name: StepColumn) =>
    stepColumn(schedule, step, rowsOf(sample), name, sample.rank);
  switch (schedule.config.predictionType) {
    case 'epsilon':
      return modelOutput;
    case 'v_prediction':
      return tf.add(tf.mul(modelOutput, column('signalRoot')), tf.mul(sample, column('noiseRoot')));
    case 'sample':
      return tf.div(tf.sub(sample, tf.mul(modelOutput, column('signalRoot'))), column('noiseRoot'));
  }
}

/**
 * Draws x_{t−1} = μ + σ z and scores it. Steps with σ = 0 take the mean and have no log-probability.
 *
 * @param step one step for the whole batch, or one per row (then σ must be 0 for all or for none)
 * @param sample x_t, `[batch, …]`
 * @param modelOutput the network's prediction (after guidance), same shape
 * @param noise z, standard normal, same shape; not used where σ = 0
 */
export function takePolicyStep<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  step: Steps,
  sample: T,
  modelOutput: T,
  noise: T,
): PolicyStep<T> {
  checkSameShape('sample', sample, 'noise', noise);
  return tf.tidy((): PolicyStep<T> => {
    const mean = policyMean(schedule, step, sample, modelOutput);
    if (isDeterministic(step)) return { previousSample: mean, logProb: undefined };
    // Rounded to float32 first, scored second: the log-probability is that of the stored values.
    const sigma = stepColumn(schedule, step, rowsOf(sample), 'sigma', sample.rank);
    const previousSample: T = tf.add(mean, tf.mul(noise, sigma));
    return { previousSample, logProb: gaussianLogProb(previousSample, mean, sigmasOf(step)) };
  });
}

/**
 * Log-density of a diagonal Gaussian, averaged (not summed) over the dimensions of each row, as ddpo-pytorch and TRL do:
 * mean over h, w, c of −(x−μ)²/(2σ²) − ln σ − ½ ln 2π. Differentiable in `mean`.
 *
 * The mean keeps ratios exp(Δ log p) comparable between latent sizes; a sum would raise them to the power of the size.
 *
 * @param value x_{t−1}, `[batch, …]`
 * @param mean μ, same shape
 * @param sigma one σ > 0 for the whole batch, one per row, or the rows' steps
 * @returns `[batch]`
 * @throws RangeError when a σ is 0, negative or not finite
 */
export function gaussianLogProb(
  value: tf.Tensor,
  mean: tf.Tensor,
  sigma: number | readonly number[] | StepTensor,
): tf.Tensor1D {
  checkGradients();
  checkSameShape('value', value, 'mean', mean);
  checkDensity(sigma);
  const batch = rowsOf(value);
  return tf.tidy(() => {
    // The difference is squared element by element and the constants join after the reduction: the sum then runs over
    // numbers of one size, which TensorFlow adds pairwise.
    const difference = tf.reshape(tf.sub(value, mean), [batch, -1]);
    const meanSquare = tf.mean(tf.square(difference), 1);
    const column = (name: 'logProbScale' | 'logProbConstant') =>
      isStepTensor(sigma) ? columnOf(sigma, batch, name, 1) : sigmaColumn(sigma, batch, name);
    return tf.sub(tf.mul(meanSquare, column('logProbScale')), column('logProbConstant'));
  });
}

function checkDensity(sigma: number | readonly number[] | StepTensor): void {
  const sigmas = isStepTensor(sigma)
    ? [isDeterministic(sigma) ? 0 : 1]
    : typeof sigma === 'number'
      ? [sigma]
      : sigma;
  for (const deviation of sigmas) {
    if (deviation > 0 && Number.isFinite(deviation)) continue;
    throw new RangeError(
      `A Gaussian with sigma ${deviation} has no density. Leave steps with sigma 0 (eta 0, or the last step when it ` +
        'arrives at no noise) out of training.',
    );
  }
}

/**
 * Classifier-free guidance (arXiv 2207.12598): u + scale · (c − u), gradient through both. Used alike when sampling and
 * when training, or the ratio does not start at 1.
 *
 * @param unconditional prediction for the empty prompt, `[batch, …]`
 * @param conditional prediction for the prompt, same shape
 * @param scale 1 is the conditional prediction itself
 */
export function classifierFreeGuidance<T extends tf.Tensor>(
  unconditional: T,
  conditional: T,
  scale: number,
): T {
  checkGradients();
  checkSameShape('unconditional', unconditional, 'conditional', conditional);
  if (!Number.isFinite(scale)) {
    throw new RangeError(`The guidance scale must be a finite number, got ${scale}.`);
  }
  return tf.tidy(() =>
    tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), tf.scalar(scale))),
  );
}

function checkSameShape(
  firstName: string,
  first: tf.Tensor,
  secondName: string,
  second: tf.Tensor,
): void {
  if (first.shape.join() !== second.shape.join()) {
    throw new Error(
      `${firstName} [${first.shape.join(', ')}] and ${secondName} [${second.shape.join(', ')}] must have the same ` +
        'shape [batch, …].',
    );
  }
}
