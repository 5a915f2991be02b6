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

/** What chunks come to, so that it can be added to that of others. */
export interface ChunkSums {
  readonly loss: number;
  readonly divergence: SumOverRows | undefined;
  /** By name. */
  readonly measures: Readonly<Record<string, SumOverRows>>;
  /** The part of the rows of the mean that does not count. */
  readonly dropped: number;
  /** Of a loss of trajectories. */
  readonly pairs: readonly PairReport[];
}

interface SumOverRows {
  readonly sum: number;
  readonly rows: number;
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

export function readChunks(chunks: readonly ChunkResult[]): ChunkSums {
  if (chunks.length === 0) {
    return { loss: 0, divergence: undefined, measures: {}, dropped: 0, pairs: [] };
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
  return {
    ...{ loss, measures: readMeasures(chunks, read), pairs: readPairs(chunks, read) },
    divergence: divergence === undefined ? undefined : { sum: divergence, rows },
    dropped: sumOf('dropped') ?? 0,
  };
}

/** @param parts of one minibatch, of each process that has some of its images */
export function addUp(parts: readonly ChunkSums[]): ReadChunks {
  const share = 1 - total(parts.map(({ dropped }) => dropped));
  const names = new Set(parts.flatMap(({ measures }) => Object.keys(measures)));
  return {
    loss: total(parts.map(({ loss }) => loss)),
    divergence: meanOf(parts.flatMap(({ divergence }) => divergence ?? [])),
    measures: Object.fromEntries(
      [...names].map((name) => [
        name,
        meanOf(parts.flatMap(({ measures }) => measures[name] ?? [])) ?? Number.NaN,
      ]),
    ),
    share: share < LEAST_SHARE ? 0 : share,
    pairs: parts.flatMap(({ pairs }) => pairs),
  };
}

/** Less than one row of a million: sums of float32 leave as much where no row counts. */
const LEAST_SHARE = 1e-6;

function meanOf(sums: readonly SumOverRows[]): number | undefined {
  if (sums.length === 0) return undefined;
  return total(sums.map(({ sum }) => sum)) / total(sums.map(({ rows }) => rows));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

type Read = (tensor: tf.Tensor) => Float32Array;

/** Each over the rows of the chunks that have it. */
function readMeasures(chunks: readonly ChunkResult[], read: Read): Record<string, SumOverRows> {
  const entries = chunks.flatMap(({ sums, rows }) =>
    Object.entries(sums).map(([name, sum]) => ({ name, sum, rows })),
  );
  if (entries.length === 0) return {};
  const values = read(tf.stack(entries.map(({ sum }) => sum)));
  const totals = new Map<string, SumOverRows>();
  for (const [index, { name, rows }] of entries.entries()) {
    const total = totals.get(name) ?? { sum: 0, rows: 0 };
    totals.set(name, { sum: total.sum + (values[index] ?? 0), rows: total.rows + rows });
  }
  return Object.fromEntries(totals);
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
