/** The numbers that a step's arithmetic needs, one by one from a plan's steps or together in a tensor. */
import * as tf from '@tensorflow/tfjs-core';
import type { DenoiseStep } from './denoise-plan';
import type { NoiseSchedule } from './noise-schedule';
import { isList, perRow } from './per-row';

declare const ofThisPackage: unique symbol;

/**
 * Denoise steps as a tensor with a row per row of the batch, from {@link stepTensor}. A function that is compiled once and then
 * called for any steps takes this: the numbers of a {@link DenoiseStep} would become constants of it. What is in it is this
 * package's own affair; `tf.dispose(steps)` frees it.
 */
export type StepTensor = {
  readonly [ofThisPackage]: 'steps';
};

/** What is in it. */
interface StepColumns {
  /** `[rows, 9]`, float32. */
  readonly columns: tf.Tensor2D;
  /** Whether σ is 0, for all rows alike. */
  readonly deterministic: boolean;
}

/** One step for the whole batch, or one per row. */
export type Steps = DenoiseStep | readonly DenoiseStep[] | StepTensor;

const COLUMNS = {
  /** √ᾱ */
  signalRoot: (step: DenoiseStep) => Math.sqrt(step.alphaCumprod),
  /** √(1−ᾱ) */
  noiseRoot: (step: DenoiseStep) => Math.sqrt(1 - step.alphaCumprod),
  /** √ᾱ_p */
  previousSignalRoot: (step: DenoiseStep) => Math.sqrt(step.previousAlphaCumprod),
  /** √(1−ᾱ_p−σ²), the length of the "direction pointing to x_t". Rounding can leave a hair below 0 where it is 0. */
  directionRoot: (step: DenoiseStep) =>
    Math.sqrt(Math.max(1 - step.previousAlphaCumprod - step.sigma * step.sigma, 0)),
  /** a and b of μ = a·x_t + b·output, from x̂0 and ε as linear functions of both. */
  meanFromSample: (step: DenoiseStep, schedule: NoiseSchedule) => meanFactors(step, schedule)[0],
  meanFromOutput: (step: DenoiseStep, schedule: NoiseSchedule) => meanFactors(step, schedule)[1],
  sigma: (step: DenoiseStep) => step.sigma,
  /** −1/(2σ²) and ln σ + ½ ln 2π of a Gaussian's log-density. */
  logProbScale: ({ sigma }: { readonly sigma: number }) => -0.5 / (sigma * sigma),
  logProbConstant: ({ sigma }: { readonly sigma: number }) =>
    Math.log(sigma) + 0.5 * Math.log(2 * Math.PI),
};

export type StepColumn = keyof typeof COLUMNS;

const COLUMN_NAMES = Object.keys(COLUMNS) as StepColumn[];

function meanFactors(step: DenoiseStep, { config }: NoiseSchedule): [number, number] {
  const { signalRoot, noiseRoot, previousSignalRoot, directionRoot } = COLUMNS;
  const [signal, noise] = [signalRoot(step), noiseRoot(step)];
  const [toOriginal, toNoise] = [previousSignalRoot(step), directionRoot(step)];
  switch (config.predictionType) {
    // x̂0 = (x − √(1−ᾱ) ε) / √ᾱ
    case 'epsilon':
      return [toOriginal / signal, toNoise - (toOriginal * noise) / signal];
    // x̂0 = √ᾱ x − √(1−ᾱ) v,  ε = √ᾱ v + √(1−ᾱ) x
    case 'v_prediction':
      return [toOriginal * signal + toNoise * noise, toNoise * signal - toOriginal * noise];
    // ε = (x − √ᾱ x̂0) / √(1−ᾱ)
    case 'sample':
      return [toNoise / noise, toOriginal - (toNoise * signal) / noise];
  }
}

/**
 * @param steps one per row
 * @returns the caller disposes it
 * @throws RangeError when only some of the steps have σ = 0
 */
export function stepTensor(schedule: NoiseSchedule, steps: readonly DenoiseStep[]): StepTensor {
  const deterministic = steps.every(({ sigma }) => sigma === 0);
  if (!deterministic && steps.some(({ sigma }) => sigma === 0)) {
    throw new RangeError('Steps with sigma 0 and steps with randomness cannot share a tensor.');
  }
  const values = steps.flatMap((step) =>
    COLUMN_NAMES.map((name) => {
      // Without randomness there is no density, and infinities would only spread.
      const value = COLUMNS[name](step, schedule);
      return Number.isFinite(value) ? value : 0;
    }),
  );
  const made: StepColumns = {
    columns: tf.tensor2d(values, [steps.length, COLUMN_NAMES.length], 'float32'),
    deterministic,
  };
  return made as unknown as StepTensor;
}

/** σ of each row, `[rows]`. */
export function stepSigmas(steps: StepTensor): tf.Tensor1D {
  return columnOf(steps, contentOf(steps).columns.shape[0], 'sigma', 1) as tf.Tensor1D;
}

/** What each row's mean moves by per unit of the network's output, `[rows]`: b of μ = a·x_t + b·output. */
export function stepOutputScales(steps: StepTensor): tf.Tensor1D {
  const [rows] = contentOf(steps).columns.shape;
  return columnOf(steps, rows, 'meanFromOutput', 1) as tf.Tensor1D;
}

export function isStepTensor(steps: Steps | number | readonly number[]): steps is StepTensor {
  return typeof steps === 'object' && 'columns' in steps;
}

function contentOf(steps: StepTensor): StepColumns {
  return steps as unknown as StepColumns;
}

/** Whether σ is 0 for all rows. */
export function isDeterministic(steps: Steps): boolean {
  if (isStepTensor(steps)) return contentOf(steps).deterministic;
  return isList(steps) ? steps.every(({ sigma }) => sigma === 0) : steps.sigma === 0;
}

/** σ as `gaussianLogProb` takes it. */
export function sigmasOf(steps: Steps): number | readonly number[] | StepTensor {
  if (isStepTensor(steps)) return steps;
  return isList(steps) ? steps.map(({ sigma }) => sigma) : steps.sigma;
}

/**
 * One number of each row's step, to be multiplied with a tensor `[batch, …]` of this rank. All three forms of steps give the
 * same products bit by bit.
 *
 * @throws Error when the number of steps is not that of the batch's rows
 */
export function stepColumn(
  schedule: NoiseSchedule,
  steps: Steps,
  batch: number,
  name: StepColumn,
  rank: number,
): tf.Tensor {
  if (isStepTensor(steps)) return columnOf(steps, batch, name, rank);
  return perRow(steps, batch, (step: DenoiseStep) => COLUMNS[name](step, schedule), rank);
}

export function columnOf(
  steps: StepTensor,
  batch: number,
  name: StepColumn,
  rank: number,
): tf.Tensor {
  const { columns } = contentOf(steps);
  const [rows] = columns.shape;
  if (rows !== batch) {
    throw new Error(
      `Expected one entry per row: the batch has ${batch} rows, but the steps have ${rows}.`,
    );
  }
  return tf.tidy(() => {
    const column = tf.slice(columns, [0, COLUMN_NAMES.indexOf(name)], [rows, 1]);
    return tf.reshape(column, [rows, ...Array.from({ length: rank - 1 }, () => 1)]);
  });
}

/** The same for a density's σ alone. */
export function sigmaColumn(
  sigma: number | readonly number[],
  batch: number,
  name: 'logProbScale' | 'logProbConstant',
): tf.Tensor {
  return perRow(sigma, batch, (value: number) => COLUMNS[name]({ sigma: value }), 1);
}
