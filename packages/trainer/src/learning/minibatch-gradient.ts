/** From the chunks of a minibatch to its gradient, term by term. */
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import type { RunningDenoiser } from '../policy/policy';
import { trainedWeights } from '../weights/trained-weights';
import { ALONE, type Workers } from '../workers/workers';
import { addUp, readChunks, type ReadChunks } from './read-chunks';
import type { Chunk, ChunkResult } from './term';

/** A minibatch's part of a term. */
interface Part {
  readonly prepare: (policy: RunningDenoiser) => Promise<void> | undefined;
  /** How many images the mean is over, those of other processes among them. */
  readonly inMean: number;
  /** In the chunks of all of them. */
  readonly rows: number;
  readonly chunks: readonly Chunk[];
}

export type Minibatch = readonly Part[];

export interface Watch {
  readonly signal: AbortSignal | undefined;
  readonly onChunk: (chunk: Chunk) => void;
}

/** What a minibatch comes to. */
interface Sum extends Omit<ReadChunks, 'share'> {
  /** Undefined where there is nothing to learn; the caller's. */
  readonly gradient: tf.Tensor1D | undefined;
}

/**
 * The gradient of a minibatch's loss, the sum of its terms, over the images of all workers.
 *
 * @throws the signal's reason when it is aborted; what a method's loss throws, here or in another worker
 */
export async function sumOf(
  minibatch: Minibatch,
  policy: RunningDenoiser,
  watch: Watch,
  workers: Workers = ALONE,
): Promise<Sum> {
  let gradient: tf.Tensor1D | undefined;
  let isAnywhere = false;
  const read: ReadChunks[] = [];
  try {
    for (const part of minibatch) {
      let term = await sumOfTerm(part, policy, watch, workers);
      if (term.read.share === 0) {
        // A mean over no row at all: all of them count instead.
        term.gradient?.dispose();
        term = await sumOfTerm(part, policy, watch, workers, true);
      }
      read.push(term.read);
      isAnywhere ||= term.isAnywhere;
      if (term.gradient === undefined) continue;
      gradient = accumulate(gradient, overCountedRows(term.gradient, term.read.share));
    }
  } catch (error) {
    gradient?.dispose();
    throw error;
  }
  return {
    gradient: isAnywhere ? await overWorkers(gradient, policy, workers) : undefined,
    loss: read.reduce((sum, { loss, share }) => sum + loss / share, 0),
    divergence: read.find(({ divergence }) => divergence !== undefined)?.divergence,
    // Of two with one name the first, which is the method's own.
    measures: Object.assign(
      {},
      ...read.map(({ measures }) => measures).reverse(),
    ) as Sum['measures'],
    pairs: read.flatMap(({ pairs }) => pairs),
  };
}

/** A worker without a row of its own adds nothing, but has to come. */
async function overWorkers(
  gradient: tf.Tensor1D | undefined,
  policy: RunningDenoiser,
  workers: Workers,
): Promise<tf.Tensor1D> {
  if (gradient !== undefined) return workers.sum(gradient);
  const weights = Object.values(trainedWeights(policy));
  return workers.sum(tf.zeros([weights.reduce((sum, { size }) => sum + size, 0)]));
}

interface TermSum {
  /** Of the images of this process. */
  readonly gradient: tf.Tensor1D | undefined;
  /** Whether there is one in some process. */
  readonly isAnywhere: boolean;
  /** Over all of them. */
  readonly read: ReadChunks;
}

async function sumOfTerm(
  { prepare, inMean, chunks }: Part,
  policy: RunningDenoiser,
  { signal, onChunk }: Watch,
  workers: Workers,
  everyRow = false,
): Promise<TermSum> {
  let gradient: tf.Tensor1D | undefined;
  const results: ChunkResult[] = [];
  try {
    if (!everyRow) await prepare(policy);
    for (const chunk of chunks) {
      await nextTurn(signal);
      const result = chunk.gradient(policy, inMean, everyRow);
      gradient = accumulate(gradient, result.gradient);
      results.push(result);
      onChunk(chunk);
    }
    const own = { sums: readChunks(results), hasGradient: gradient !== undefined };
    const parts = await workers.gather(own);
    const isAnywhere = parts.some(({ hasGradient }) => hasGradient);
    return { gradient, isAnywhere, read: addUp(parts.map(({ sums }) => sums)) };
  } catch (error) {
    gradient?.dispose();
    throw error;
  } finally {
    for (const { logProb, clipped, loss, dropped, divergence, sums } of results) {
      const kept = [loss, logProb, clipped, dropped, divergence, ...Object.values(sums)];
      tf.dispose(kept.filter((tensor) => tensor !== undefined));
    }
  }
}

/**
 * Where the loss leaves rows out of its mean, the gradient of the mean over the others: the sum was divided by all rows.
 */
function overCountedRows(gradient: tf.Tensor1D, share: number): tf.Tensor1D {
  if (share === 1) return gradient;
  const scaled = tf.div<tf.Tensor1D>(gradient, share);
  gradient.dispose();
  return scaled;
}

function accumulate(sum: tf.Tensor1D | undefined, gradient: tf.Tensor1D): tf.Tensor1D {
  if (sum === undefined) return gradient;
  const next = tf.add<tf.Tensor1D>(sum, gradient);
  tf.dispose([sum, gradient]);
  return next;
}
