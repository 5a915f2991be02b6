/**
 * Learning: from a rollout and its advantages to a policy that makes the better images more likely.
 *
 * Only `report`, `run`, `api` and `command-line` may import this folder.
 */
import * as tf from '@tensorflow/tfjs-core';

import type { RunningDenoiser } from '../policy/policy';
import { trainedWeights, withWeights } from '../weights/trained-weights';
import { ALONE, type Workers } from '../workers/workers';
import { unflatten } from './flat-weights';
import { checkOnPolicy, isFinitePair } from './on-policy-check';
import type { Optimizer } from './optimizer';
import { sumOf, type Minibatch, type Watch } from './minibatch-gradient';
import type { PairReport } from './read-chunks';
import type { Chunk, Term } from './term';

export interface UpdateRequest {
  /** What the loss is the sum of. */
  readonly terms: readonly Term[];
  /** Images of each optimizer step, in order; of those that are here. */
  readonly minibatches: readonly (readonly number[])[];
  /** Times that every image is in a minibatch; 1 when left out. */
  readonly innerEpochs?: number | undefined;
  readonly learningRate: number;
  /** Ratios that differ from 1 by less than a part of this count as 1 before the first step. */
  readonly clipRange: number;
  /** Mean |ratio − 1| of a minibatch from which on it and those after it are left out; no limit when left out. */
  readonly stopDeviation?: number | undefined;
  /** Called after each optimizer step that was taken. */
  readonly onStep?: (() => void) | undefined;
  /** Those that learn together, each from images of its own; this process alone when left out. */
  readonly workers?: Workers | undefined;
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
  /** Mean divergence from the base model, when it is weighed in. */
  readonly klReference: number | undefined;
  /** Rows that the gradient was taken of. */
  readonly rows: number;
  /** Means over the rows, by name, of what the method measures. */
  readonly measures: Readonly<Record<string, number>>;
  /** Of a loss of trajectories; none where they are not finite. */
  readonly pairs: readonly PairReport[];
}

/**
 * Takes one optimizer step per minibatch. A gradient is accumulated over chunks, so that the chunk size decides memory and not the
 * result. A step whose loss or gradient is not finite is left out.
 *
 * @throws the signal's reason when it is aborted; what a method's loss throws
 * @throws Error when a ratio is not 1 in a minibatch before the first step that is taken: the policy that learns is then not
 *   the one that sampled
 */
export async function updatePolicy(
  policy: RunningDenoiser,
  optimizer: Optimizer,
  request: UpdateRequest,
): Promise<OptimizerStepReport[]> {
  const { workers = ALONE } = request;
  const work = await partsOf(request, workers);
  const total = rowsOf(work.flatMap((minibatch) => minibatch.flatMap(({ chunks }) => chunks)));
  let done = 0;
  const watch: Watch = {
    signal: request.signal,
    onChunk: ({ rows }) => {
      done += rows;
      request.onProgress?.(Math.min(done / total, 1));
    },
  };

  let isOnPolicy = true;
  const reports: OptimizerStepReport[] = [];
  for (const minibatch of work) {
    const sum = await sumOf(minibatch, policy, watch, workers);
    try {
      const { pairs, loss } = sum;
      const finite = Number.isFinite(loss) && pairs.every(isFinitePair);
      if (isOnPolicy && finite) checkOnPolicy(pairs, request.clipRange);
      // Before the first step a ratio differs from 1 by rounding alone.
      if (finite && !isOnPolicy && deviationOf(pairs) >= (request.stopDeviation ?? Infinity)) break;
      const gradientNorm = finite
        ? await takeStep(policy, optimizer, request, minibatch, sum.gradient)
        : Number.NaN;
      const skipped = !Number.isFinite(gradientNorm);
      if (!skipped && sum.gradient !== undefined) {
        isOnPolicy = false;
        request.onStep?.();
      }
      reports.push({
        ...{ loss, gradientNorm, skipped, measures: sum.measures, klReference: sum.divergence },
        pairs: finite ? pairs : [],
        rows: minibatch.reduce((sum, { rows }) => sum + rows, 0),
      });
    } finally {
      sum.gradient?.dispose();
    }
  }
  return reports;
}

/** What there is to do in each optimizer step, and over how many images of all processes. */
async function partsOf(
  { minibatches, innerEpochs = 1, terms, signal }: UpdateRequest,
  workers: Workers,
): Promise<Minibatch[]> {
  const inEpoch = minibatches.length / innerEpochs;
  const own = minibatches.map((images, index) =>
    terms.map((term) => ({
      prepare: (learning: RunningDenoiser) => term.prepare?.(learning, images, signal),
      ...term.partOf(images, Math.floor(index / inEpoch)),
    })),
  );
  const counts = await workers.gather(
    own.map((parts) => parts.map(({ inMean, chunks }) => ({ inMean, rows: rowsOf(chunks) }))),
  );
  return own.map((parts, step) =>
    parts.map((part, term) => {
      const all = counts.flatMap((each) => each[step]?.[term] ?? []);
      return {
        ...part,
        inMean: all.reduce((sum, { inMean }) => sum + inMean, 0),
        rows: all.reduce((sum, { rows }) => sum + rows, 0),
      };
    }),
  );
}

function rowsOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { rows }) => sum + rows, 0);
}

/** @returns the gradient's norm; 0 where there is none */
async function takeStep(
  policy: RunningDenoiser,
  optimizer: Optimizer,
  { learningRate, signal, workers }: UpdateRequest,
  minibatch: Minibatch,
  gradient: tf.Tensor1D | undefined,
): Promise<number> {
  if (gradient === undefined) return 0;
  const { previousWeights } = optimizer;
  if (previousWeights === undefined) return optimizer.step(gradient, learningRate);
  const weights = unflatten(previousWeights, Object.values(trainedWeights(policy)));
  const before = withWeights(policy, weights);
  let there: tf.Tensor1D | undefined;
  try {
    const watch = { signal, onChunk: () => undefined };
    there = (await sumOf(minibatch, before, watch, workers)).gradient;
    return optimizer.step(gradient, learningRate, there);
  } finally {
    there?.dispose();
    tf.dispose(weights);
  }
}

function deviationOf(pairs: readonly PairReport[]): number {
  if (pairs.length === 0) return 0;
  const deviations = pairs.map(({ logProb, oldLogProb }) =>
    Math.abs(Math.exp(logProb - oldLogProb) - 1),
  );
  return deviations.reduce((sum, deviation) => sum + deviation, 0) / pairs.length;
}
