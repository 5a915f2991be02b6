/**
 * Learning: from a rollout and its advantages to a policy that makes the better images more likely.
 *
 * Only `report`, `run`, `api` and `command-line` may import this folder.
 */
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import type { RunningDenoiser } from '../policy/policy';
import {
  chunkGradient,
  readChunks,
  type ChunkResult,
  type ChunkSource,
  type PairReport,
} from './chunk-gradient';
import { checkOnPolicy, isFinitePair } from './on-policy-check';
import type { Optimizer } from './optimizer';

export interface UpdateRequest extends ChunkSource {
  /** Trajectories of each optimizer step, in order. */
  readonly minibatches: readonly (readonly number[])[];
  /** Indices of the trained denoise steps. */
  readonly trainedSteps: readonly number[];
  readonly learningRate: number;
  /** Ends the update between two chunks; the minibatch under way is dropped. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the fraction done, in [0, 1]. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

export interface OptimizerStepReport {
  readonly loss: number;
  /** 2-norm before clipping; 0 when nothing was to be learnt and no step was taken. */
  readonly gradientNorm: number;
  /** Whether the step was left out because the loss, a log-probability or the gradient was not finite. */
  readonly skipped: boolean;
  /** Mean divergence from the reference, when it is weighed in. */
  readonly klReference: number | undefined;
  /** None where they are not finite. */
  readonly pairs: readonly PairReport[];
}

/**
 * Takes one optimizer step per minibatch. A minibatch's gradient is the mean over its trajectories and trained denoise
 * steps; one whose advantage is 0 counts in it. It is accumulated over chunks of `batch` pairs, so that the chunk size decides
 * memory and not the result. A step whose loss or gradient is not finite is left out.
 *
 * @throws the signal's reason when it is aborted
 * @throws Error when a ratio is not 1 in a minibatch before the first step that is taken: the policy that learns is then not
 *   the one that sampled
 */
export async function updatePolicy(
  policy: RunningDenoiser,
  optimizer: Optimizer,
  request: UpdateRequest,
): Promise<OptimizerStepReport[]> {
  const { minibatches, trainedSteps, advantages, objective, batch } = request;
  const total = minibatches.flat().length * trainedSteps.length;
  let done = 0;

  let isOnPolicy = true;

  const reports: OptimizerStepReport[] = [];
  for (const minibatch of minibatches) {
    // Pairs of one denoise step stand together, as they did in the rollout.
    const rows = trainedSteps.flatMap((step) =>
      minibatch
        .filter((sample) => advantages[sample] !== 0 || objective.klWeight > 0)
        .map((sample) => ({ sample, step })),
    );
    const weight = 1 / (minibatch.length * trainedSteps.length);
    const chunks: ChunkResult[] = [];
    let gradient: tf.Tensor1D | undefined;
    try {
      for (let first = 0; first < rows.length; first += batch) {
        await nextTurn(request.signal);
        const chunk = rows.slice(first, first + batch);
        const result = chunkGradient(policy, request, chunk, weight);
        gradient = accumulate(gradient, result.gradient);
        chunks.push(result);
        done += chunk.length;
        request.onProgress?.(done / total);
      }
      const { pairs, loss, kl } = readChunks(chunks);
      const finite = Number.isFinite(loss) && pairs.every(isFinitePair);
      if (isOnPolicy && finite) checkOnPolicy(pairs, objective.clipRange);
      let gradientNorm = 0;
      if (!finite) gradientNorm = Number.NaN;
      else if (gradient !== undefined) {
        gradientNorm = optimizer.step(gradient, request.learningRate);
        if (Number.isFinite(gradientNorm)) isOnPolicy = false;
      }
      reports.push({
        loss,
        gradientNorm,
        skipped: !Number.isFinite(gradientNorm),
        klReference: objective.klWeight > 0 ? kl : undefined,
        pairs: finite ? pairs : [],
      });
    } finally {
      gradient?.dispose();
      for (const { logProb, loss, kl } of chunks) tf.dispose([logProb, loss, ...(kl ? [kl] : [])]);
    }
  }
  return reports;
}

function accumulate(sum: tf.Tensor1D | undefined, gradient: tf.Tensor1D): tf.Tensor1D {
  if (sum === undefined) return gradient;
  const next = tf.add<tf.Tensor1D>(sum, gradient);
  tf.dispose([sum, gradient]);
  return next;
}
