/** The policy p_θ(x_{t−1} | x_t, c): a diagonal Gaussian around DDIM's step (arXiv 2305.13301, eq. 4). */

import * as tf from '@tensorflow/tfjs-core';
import type { NoiseSchedule } from './noise-schedule';
import { columnOf, isDeterministic, sigmaColumn, sigmasOf, stepColumn } from './step-tensor';
import type { StepColumn, Steps, StepTensor } from './step-tensor';

/** One transition as it was taken. Shapes: latents `[batch, height, width, channels]`. */
export interface PolicyStep {
  /** μ + σ z, `[batch, height, width, channels]`. Exactly these values are what `logProb` scores. */
  readonly previousSample: tf.Tensor4D;
  /** Mean log-density per dimension, `[batch]`; null when σ = 0. */
  readonly logProb: tf.Tensor1D | null;
}

/**
 * Mean of p(x_{t−1} | x_t): √ᾱ_p x̂0 + √(1−ᾱ_p−σ²) ε (arXiv 2010.02502, eq. 12). Differentiable in `modelOutput`.
 *
 * Without clipping the mean is linear in both arguments, μ = a·x_t + b·output, and is computed so: two products and a sum.
 *
 * @param step one step for the whole batch, or one per row
 * @param sample x_t, `[batch, height, width, channels]`
 * @param modelOutput the network's prediction (after guidance), same shape
 * @returns μ, same shape
 */
export function policyMean(
  schedule: NoiseSchedule,
  step: Steps,
  sample: tf.Tensor4D,
  modelOutput: tf.Tensor4D,
): tf.Tensor4D {
  checkSameShape('sample', sample, 'modelOutput', modelOutput);
  const { config } = schedule;
  return tf.tidy(() => {
    const column = (name: StepColumn) => stepColumn(schedule, step, sample.shape[0], name);
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
 * @returns `[batch, height, width, channels]`
 */
export function predictOriginalSample(
  schedule: NoiseSchedule,
  step: Steps,
  sample: tf.Tensor4D,
  modelOutput: tf.Tensor4D,
): tf.Tensor4D {
  checkSameShape('sample', sample, 'modelOutput', modelOutput);
  const { predictionType, clipSample, clipSampleRange } = schedule.config;
  return tf.tidy(() => {
    const column = (name: StepColumn) => stepColumn(schedule, step, sample.shape[0], name);
    const unclipped = (): tf.Tensor4D => {
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
function predictNoise(
  schedule: NoiseSchedule,
  step: Steps,
  sample: tf.Tensor4D,
  modelOutput: tf.Tensor4D,
): tf.Tensor4D {
  const column = (name: StepColumn) => stepColumn(schedule, step, sample.shape[0], name);
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
 * @param sample x_t, `[batch, height, width, channels]`
 * @param modelOutput the network's prediction (after guidance), same shape
 * @param noise z, standard normal, same shape; not used where σ = 0
 */
export function takePolicyStep(
  schedule: NoiseSchedule,
  step: Steps,
  sample: tf.Tensor4D,
  modelOutput: tf.Tensor4D,
  noise: tf.Tensor4D,
): PolicyStep {
  checkSameShape('sample', sample, 'noise', noise);
  const taken = tf.tidy(() => {
    const mean = policyMean(schedule, step, sample, modelOutput);
    if (isDeterministic(step)) return { previousSample: mean };
    // Rounded to float32 first, scored second: the log-probability is that of the stored values.
    const sigma = stepColumn(schedule, step, sample.shape[0], 'sigma');
    const previousSample: tf.Tensor4D = tf.add(mean, tf.mul(noise, sigma));
    return { previousSample, logProb: gaussianLogProb(previousSample, mean, sigmasOf(step)) };
  });
  return { previousSample: taken.previousSample, logProb: taken.logProb ?? null };
}

/**
 * Log-density of a diagonal Gaussian, averaged (not summed) over the dimensions of each row, as ddpo-pytorch and TRL do:
 * mean over h, w, c of −(x−μ)²/(2σ²) − ln σ − ½ ln 2π. Differentiable in `mean`.
 *
 * The mean keeps ratios exp(Δ log p) comparable between latent sizes; a sum would raise them to the power of the size.
 *
 * @param value x_{t−1}, `[batch, height, width, channels]`
 * @param mean μ, same shape
 * @param sigma one σ > 0 for the whole batch, one per row, or the rows' steps
 * @returns `[batch]`
 * @throws RangeError when a σ is 0, negative or not finite
 */
export function gaussianLogProb(
  value: tf.Tensor4D,
  mean: tf.Tensor4D,
  sigma: number | readonly number[] | StepTensor,
): tf.Tensor1D {
  checkSameShape('value', value, 'mean', mean);
  checkDensity(sigma);
  const [batch] = value.shape;
  return tf.tidy(() => {
    // The difference is squared element by element and the constants join after the reduction: the sum then runs over
    // numbers of one size, which TensorFlow adds pairwise.
    const difference = tf.reshape(tf.sub(value, mean), [batch, -1]);
    const meanSquare = tf.mean(tf.square(difference), 1);
    const column = (name: 'logProbScale' | 'logProbConstant') =>
      typeof sigma === 'object' && 'columns' in sigma
        ? columnOf(sigma, batch, name, 1)
        : sigmaColumn(sigma, batch, name);
    return tf.sub(tf.mul(meanSquare, column('logProbScale')), column('logProbConstant'));
  });
}

function checkDensity(sigma: number | readonly number[] | StepTensor): void {
  const sigmas =
    typeof sigma === 'number'
      ? [sigma]
      : 'columns' in sigma
        ? [Number(!sigma.deterministic)]
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
 * @param unconditional prediction for the empty prompt, `[batch, height, width, channels]`
 * @param conditional prediction for the prompt, same shape
 * @param scale 1 is the conditional prediction itself
 */
export function classifierFreeGuidance(
  unconditional: tf.Tensor4D,
  conditional: tf.Tensor4D,
  scale: number,
): tf.Tensor4D {
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
  first: tf.Tensor4D,
  secondName: string,
  second: tf.Tensor4D,
): void {
  if (first.shape.join() !== second.shape.join()) {
    throw new Error(
      `${firstName} [${first.shape.join(', ')}] and ${secondName} [${second.shape.join(', ')}] must have the same ` +
        'shape [batch, height, width, channels].',
    );
  }
}
