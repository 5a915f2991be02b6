/** From the chunks of a minibatch to its gradient, term by term. */
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import type { RunningDenoiser } from '../policy/policy';
import { readChunks, type ReadChunks } from './read-chunks';
import type { Chunk, ChunkResult } from './term';

/** A minibatch's part of a term. */
interface Part {
  readonly prepare: (policy: RunningDenoiser) => Promise<void> | undefined;
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
 * The gradient of a minibatch's loss, the sum of its terms.
 *
 * @throws the signal's reason when it is aborted; what a method's loss throws
 */
export async function sumOf(
  minibatch: Minibatch,
  policy: RunningDenoiser,
  watch: Watch,
): Promise<Sum> {
  let gradient: tf.Tensor1D | undefined;
  const read: ReadChunks[] = [];
  try {
    for (const { prepare, chunks } of minibatch) {
      await prepare(policy);
      let part = await sumOfTerm(chunks, policy, watch);
      if (part.read.share === 0) {
        // A mean over no row at all: all of them count instead.
        part.gradient?.dispose();
        part = await sumOfTerm(chunks, policy, watch, true);
      }
      read.push(part.read);
      if (part.gradient === undefined) continue;
      gradient = accumulate(gradient, overCountedRows(part.gradient, part.read.share));
    }
  } catch (error) {
    gradient?.dispose();
    throw error;
  }
  return {
    gradient,
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

async function sumOfTerm(
  chunks: readonly Chunk[],
  policy: RunningDenoiser,
  { signal, onChunk }: Watch,
  everyRow = false,
): Promise<{ gradient: tf.Tensor1D | undefined; read: ReadChunks }> {
  const results: ChunkResult[] = [];
  let gradient: tf.Tensor1D | undefined;
  try {
    for (const chunk of chunks) {
      await nextTurn(signal);
      const result = chunk.gradient(policy, everyRow);
      gradient = accumulate(gradient, result.gradient);
      results.push(result);
      onChunk(chunk);
    }
    return { gradient, read: readChunks(results) };
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
