/** The variance of the policy gradient of a run, for each advantage estimator. */
import { join } from 'node:path';

import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig } from '../configuration/schema';
import { fileStatus } from '../files/file-status';
import {
  directionCount,
  gradientVariances,
  meanDirections,
  type GradientVariance,
} from '../gradient-variance/gradient-variance';
import { restoreCheckpoint } from '../run/checkpoint';
import { measureScores } from '../run/measure-scores';
import { openRun } from '../run/open-run';
import {
  checkpointPath,
  checkpointSteps,
  readCheckpoint,
  readNewestCheckpoint,
  type Checkpoint,
} from '../run-folder/checkpoint-folder';
import { UserError } from '../user-error';
import { checkOptions, gradientVarianceSchema } from './check-options';
import { refuseObjectsFromCode } from './named-objects';

export interface GradientVarianceOptions {
  /** The run's folder. */
  readonly run: string;
  /** Iterations after which the policy is measured, one of those that the run has checkpoints of; the newest when left out. */
  readonly checkpoint?: number | undefined;
  /** Measure the policy as it was before the first iteration. */
  readonly base?: boolean | undefined;
  /** Of the training prompts, 2 to 2000; 64 when left out. */
  readonly prompts?: number | undefined;
  /** Of each prompt, at least two groups of the largest k and at most 1000; 16 when left out. */
  readonly images?: number | undefined;
  /** Sizes of groups, each from 2 to 500; 2, 3, 4 and 8 when left out. */
  readonly k?: readonly number[] | undefined;
  /** Of prompts, images and intervals; the run's when left out. */
  readonly seed?: number | undefined;
  /** Called with the fraction done, in [0, 1]. */
  readonly onProgress?: ((phase: string, fraction: number) => void) | undefined;
  /** Told what is not as it was when the checkpoint was made, such as `backend was cpu 4.22 and is wasm 4.22`. */
  readonly onDifference?: ((difference: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GradientVarianceResult extends GradientVariance {
  readonly run: string;
  /** Iterations that the policy had learnt from; 0 for the one before training. */
  readonly iterations: number;
  readonly seed: number;
  /** Prompts that were left out, for an image of theirs has no reward. */
  readonly leftOut: number;
  /** Numbers in the gradient. */
  readonly weights: number;
  /** Denoise steps that it is a mean over. */
  readonly steps: number;
}

const DEFAULT_K = [2, 3, 4, 8];

/**
 * Draws and scores images of many prompts with a run's policy and settings, and takes the gradient of each. The policy stays as
 * it is, so that every ratio is 1 and the gradient of a batch is Σ A_i s_i / n for every estimator.
 *
 * @throws UserError that says what is wrong with the options, the run, its checkpoint or its rewards; the signal's reason
 *   when it is aborted
 */
export async function gradientVariance(
  options: GradientVarianceOptions,
): Promise<GradientVarianceResult> {
  checkOptions('gradientVariance', gradientVarianceSchema, options);
  const { run: folder, prompts = 64, images = 16, onProgress = () => undefined } = options;
  const { signal = new AbortController().signal } = options;
  const k = [...new Set(options.k ?? DEFAULT_K)].sort((one, other) => one - other);
  const largest = k.at(-1) ?? 0;
  if (images < 2 * largest) {
    throw new UserError(
      `${images} images of a prompt are too few for k = ${largest}, of which at least two groups are compared; take ${2 * largest} images or smaller k`,
    );
  }
  const stored = await readRunConfig(folder);
  refuseObjectsFromCode(stored);
  const checkpoint = options.base === true ? undefined : chosenCheckpoint(folder, options);
  const seed = options.seed ?? stored.seed;

  const run = await openRun(asReinforce(stored), {}, (fraction) => {
    onProgress('loading', fraction);
  });
  try {
    if (checkpoint !== undefined) {
      restoreCheckpoint(run, checkpoint, (difference) => {
        // The method was changed above.
        if (!difference.startsWith('algorithm.')) options.onDifference?.(difference);
      });
    }
    const iterations = checkpoint?.step ?? 0;
    const measured = await measureScores(run, {
      ...{ prompts, images, seed, signal, iteration: iterations },
      // Prompts and noise that come after all those that the policy learnt from.
      firstPrompt: stored.iterations * stored.batch.prompts,
      directionsOf: (rewards, prompt) => meanDirections(rewards, { k, seed }, prompt),
      directions: directionCount(k),
      onProgress: (fraction) => {
        onProgress('measuring', fraction);
      },
    });
    const { leftOut, weights, steps } = measured;
    return {
      ...{ run: folder, iterations, seed, leftOut, weights, steps },
      ...gradientVariances(measured, { k, seed }),
    };
  } finally {
    run.dispose();
  }
}

/** @throws UserError when the folder holds no run */
export async function readRunConfig(folder: string): Promise<TrainConfig> {
  const file = join(folder, 'config.yaml');
  if (fileStatus(file)?.isFile() !== true) {
    throw new UserError(`'${folder}' is not a run's folder: it has no config.yaml`);
  }
  return { ...resolveConfig(await readConfigFile(file)), output: folder };
}

/** The score vectors do not depend on the method: they are the gradients of −A log p_θ with A = 1. */
function asReinforce(config: TrainConfig): TrainConfig {
  return {
    ...config,
    algorithm: { ...config.algorithm, name: 'reinforce', settings: {} },
    samples: { ...config.samples, safety: null },
    guards: { ...config.guards, onCollapse: 'warn' },
  };
}

function chosenCheckpoint(
  folder: string,
  { checkpoint: step }: Pick<GradientVarianceOptions, 'checkpoint'>,
): Checkpoint {
  const checkpoints = join(folder, 'checkpoints');
  const steps = checkpointSteps(checkpoints);
  if (steps.length === 0) {
    throw new UserError(
      `The run '${folder}' has no checkpoint; base (--base) measures the policy as it was before training`,
    );
  }
  if (step !== undefined) {
    if (steps.includes(step)) return readCheckpoint(checkpointPath(checkpoints, step));
    throw new UserError(
      `The run '${folder}' has no checkpoint after ${step} iterations; it has those after ${steps.join(', ')}`,
    );
  }
  const { checkpoint, damaged } = readNewestCheckpoint(checkpoints);
  if (checkpoint !== undefined) return checkpoint;
  throw new UserError(damaged.join('; '));
}
