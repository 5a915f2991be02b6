/** What the chunks of a minibatch were, read once at its end: whoever reads a tensor waits for all the work before it. */
import type { TrajectoryRow } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import type { ChunkResult } from './term';

/** One (trajectory, denoise step) pair as an update saw it. */
export interface PairReport extends TrajectoryRow {
  readonly logProb: number;
  readonly oldLogProb: number;
  /** Whether the loss says that its ratio is beyond the clip; undefined where it does not tell. */
  readonly clipped?: boolean | undefined;
}

export interface ReadChunks {
  readonly loss: number;
  /** Mean over the rows, where it is weighed in. */
  readonly divergence: number | undefined;
  /** Means over the rows, by name. */
  readonly measures: Readonly<Record<string, number>>;
  /** The part of the rows that count in the loss, in [0, 1]; those of advantage 0, which cost nothing, do. */
  readonly share: number;
  /** Of a loss of trajectories. */
  readonly pairs: readonly PairReport[];
}

export function readChunks(chunks: readonly ChunkResult[]): ReadChunks {
  if (chunks.length === 0) {
    return { loss: 0, divergence: undefined, measures: {}, share: 1, pairs: [] };
  }
  const read = (tensor: tf.Tensor): Float32Array => {
    const values = tensor.dataSync<'float32'>();
    tensor.dispose();
    return values;
  };
  const [loss = Number.NaN] = read(tf.addN(chunks.map((chunk) => chunk.loss)));
  const sumOf = (name: 'divergence' | 'dropped'): number | undefined => {
    const parts = chunks.flatMap((chunk) => chunk[name] ?? []);
    return parts.length === 0 ? undefined : read(tf.addN(parts))[0];
  };
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  const divergence = sumOf('divergence');
  const share = 1 - (sumOf('dropped') ?? 0);
  return {
    ...{ loss, measures: readMeans(chunks, read), pairs: readPairs(chunks, read) },
    divergence: divergence === undefined ? undefined : divergence / rows,
    share: share < LEAST_SHARE ? 0 : share,
  };
}

/** Less than one row of a million: sums of float32 leave as much where no row counts. */
const LEAST_SHARE = 1e-6;

type Read = (tensor: tf.Tensor) => Float32Array;

/** Of each sum the mean over the rows of the chunks that have it. */
function readMeans(chunks: readonly ChunkResult[], read: Read): Record<string, number> {
  const entries = chunks.flatMap(({ sums, rows }) =>
    Object.entries(sums).map(([name, sum]) => ({ name, sum, rows })),
  );
  if (entries.length === 0) return {};
  const values = read(tf.stack(entries.map(({ sum }) => sum)));
  const totals = new Map<string, { sum: number; rows: number }>();
  for (const [index, { name, rows }] of entries.entries()) {
    const total = totals.get(name) ?? { sum: 0, rows: 0 };
    totals.set(name, { sum: total.sum + (values[index] ?? 0), rows: total.rows + rows });
  }
  return Object.fromEntries([...totals].map(([name, { sum, rows }]) => [name, sum / rows]));
}

function readPairs(chunks: readonly ChunkResult[], read: Read): PairReport[] {
  const ofTrajectories = chunks.filter(({ trajectoryRows }) => trajectoryRows !== undefined);
  if (ofTrajectories.length === 0) return [];
  const logProbs = read(tf.concat1d(ofTrajectories.flatMap(({ logProb }) => logProb ?? [])));
  const told = ofTrajectories.flatMap(({ clipped }) => clipped ?? []);
  const clipped = told.length === 0 ? undefined : read(tf.concat1d(told));
  let first = 0;
  return ofTrajectories.flatMap(({ trajectoryRows = [], oldLogProb = new Float32Array() }) => {
    const start = first;
    first += oldLogProb.length;
    return trajectoryRows.map((pair, row) => ({
      ...pair,
      logProb: logProbs[start + row] ?? Number.NaN,
      oldLogProb: oldLogProb[row] ?? Number.NaN,
      clipped: clipped && clipped[start + row] === 1,
    }));
  });
}
