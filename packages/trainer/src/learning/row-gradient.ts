/** From losses of rows to the gradient in the trained weights. */
import * as tf from '@tensorflow/tfjs-core';

import type { RowLosses } from '../methods/method';
import type { Denoiser } from '../policy/policy';
import { trainedWeights, withTrainedWeights } from '../weights/trained-weights';

/** How much rows count. */
export interface WeighedRows {
  /** 0 for a row that only fills its chunk up, otherwise 1; `[rows]`. */
  readonly mask: tf.Tensor1D;
  /** What a loss counts, one of a row or of a pair of rows; `[]`. */
  readonly weight: tf.Scalar;
  /** Of the divergence of a row, beside its loss, `[]`; undefined where it is not weighed in. */
  readonly klWeight: tf.Scalar | undefined;
}

/** How a method's losses are read. */
export interface RowRules {
  /** Whether there is one for each pair of rows. */
  readonly pairs: boolean;
  /** Whether all rows count, also those that the loss would leave out. */
  readonly everyRow: boolean;
}

/** What a part of a chunk says of its rows. */
export interface PartLosses {
  readonly losses: tf.Tensor1D | RowLosses;
  /** Rows that the update leaves out besides, 0, and the others, 1; `[rows]`. */
  readonly kept?: tf.Tensor1D | undefined;
  /** Of each row from the base model; `[rows]`. */
  readonly divergence?: tf.Tensor1D | undefined;
  /** log p_θ of each row, for the report; `[rows]`. */
  readonly logProb?: tf.Tensor1D | undefined;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export type RowGradient = {
  /** Weighted. */
  readonly loss: tf.Scalar;
  /** Of all trained weights, one after the other. */
  readonly gradient: tf.Tensor1D;
  readonly logProb: tf.Tensor1D | undefined;
  /** 1 for a row whose ratio is beyond the clip, where the loss tells. */
  readonly clipped: tf.Tensor1D | undefined;
  /** Of the rows that the loss is averaged over, the part that does not count. */
  readonly dropped: tf.Scalar | undefined;
  /** Over the rows that the mask has. */
  readonly divergence: tf.Scalar | undefined;
  /** Sums of the method's measures, over the rows that the mask has. */
  readonly sums: Readonly<Record<string, tf.Scalar>>;
};

/**
 * To be called in a `tf.tidy`, which what it returns belongs to.
 *
 * @param lossesOf of the policy with weights that the gradient is taken in
 * @throws what `lossesOf` throws; Error when a method's losses are not one for each row, or for each pair
 */
export function rowGradient(
  policy: Denoiser,
  { mask, weight, klWeight }: WeighedRows,
  { pairs, everyRow }: RowRules,
  lossesOf: (policy: Denoiser) => PartLosses,
): RowGradient {
  const trained = trainedWeights(policy);
  const names = Object.keys(trained);
  const unit = pairs ? 2 : 1;
  const units = mask.size / unit;
  const kept: Partial<
    Mutable<Pick<RowGradient, 'logProb' | 'clipped' | 'dropped' | 'divergence'>>
  > = {};
  const sums: Record<string, tf.Scalar> = {};
  try {
    const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
      const weights = Object.fromEntries(
        names.map((name, index) => [name, given[index] as tf.Tensor]),
      );
      const part = lossesOf(withTrainedWeights(policy, weights));
      const { divergence } = part;
      const losses = asLosses(part.losses);
      checkSize('loss', losses.loss, [units], pairs);
      if (part.logProb !== undefined) kept.logProb = tf.keep(part.logProb);
      for (const [name, measure] of Object.entries(losses.measures ?? {})) {
        checkSize(`measure ${name}`, measure, [units, mask.size], pairs);
        sums[name] = tf.keep(sumOver(measure, mask));
      }
      if (losses.clipped !== undefined) {
        checkSize('clipped', losses.clipped, [mask.size], pairs);
        kept.clipped = tf.keep(losses.clipped);
      }
      const counts = everyRow ? undefined : product(losses.counts, part.kept);
      if (counts !== undefined) {
        checkSize('counts', counts, [units], pairs);
        kept.dropped = tf.keep(tf.mul(tf.div(sumOver(tf.sub(1, counts), mask), unit), weight));
      }
      // Padding counts for nothing, nor does what the loss leaves out.
      const counted = product(eachOf(mask, units), counts) as tf.Tensor1D;
      let loss: tf.Tensor = tf.sum(tf.mul(losses.loss, counted));
      if (divergence !== undefined && klWeight !== undefined) {
        kept.divergence = tf.keep(sumOver(divergence, mask));
        const sum = tf.sum(tf.mul(divergence, rowsOf(counted, unit)));
        const penalty = tf.mul(sum, tf.div(klWeight, unit));
        loss = tf.add(loss, penalty);
      }
      return tf.mul(loss, weight);
    })(Object.values(trained));
    return {
      loss: value as tf.Scalar,
      gradient: tf.concat1d(grads.map((part) => tf.reshape(part, [part.size]))),
      logProb: kept.logProb?.clone(),
      clipped: kept.clipped?.clone(),
      dropped: kept.dropped?.clone(),
      divergence: kept.divergence?.clone(),
      sums: Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum.clone()])),
    };
  } catch (error) {
    // TensorFlow.js frees what it has saved for a gradient only after it has taken one.
    const { state } = tf.engine();
    tf.dispose(
      ((state.activeTape as typeof state.activeTape | null) ?? []).map(({ saved }) => saved ?? []),
    );
    throw error;
  } finally {
    tf.dispose([...Object.values(kept), ...Object.values(sums)]);
  }
}

/** That of a whole chunk, from its parts. */
export function joinGradients(parts: readonly RowGradient[]): RowGradient {
  const rowsOfAll = (name: 'logProb' | 'clipped'): tf.Tensor1D | undefined => {
    const all = parts.flatMap((part) => part[name] ?? []);
    return all.length === 0 ? undefined : tf.concat1d(all);
  };
  const sumOfAll = (name: 'dropped' | 'divergence'): tf.Scalar | undefined => {
    const all = parts.flatMap((part) => part[name] ?? []);
    return all.length === 0 ? undefined : tf.addN(all);
  };
  return {
    loss: tf.addN(parts.map(({ loss }) => loss)),
    gradient: tf.addN(parts.map(({ gradient }) => gradient)),
    logProb: rowsOfAll('logProb'),
    clipped: rowsOfAll('clipped'),
    dropped: sumOfAll('dropped'),
    divergence: sumOfAll('divergence'),
    sums: Object.fromEntries(
      Object.keys(parts[0]?.sums ?? {}).map((name) => [
        name,
        tf.addN(parts.map(({ sums }) => sums[name] as tf.Scalar)),
      ]),
    ),
  };
}

/** What TypeScript would have said. */
function asLosses(given: tf.Tensor1D | RowLosses): RowLosses {
  if (given instanceof tf.Tensor) return { loss: given };
  const { loss } = (given as Partial<RowLosses> | undefined) ?? {};
  if (loss instanceof tf.Tensor) return given;
  throw new Error(
    "A method's loss must return a tensor with a number for each row, or { loss } with one, at once and not as a promise.",
  );
}

function product(
  first: tf.Tensor1D | undefined,
  second: tf.Tensor1D | undefined,
): tf.Tensor1D | undefined {
  return first && second ? tf.mul(first, second) : (first ?? second);
}

/** Over rows of values of which there are as many as rows, or as pairs; one of a pair counts twice. */
function sumOver(values: tf.Tensor, mask: tf.Tensor1D): tf.Scalar {
  const sum = tf.sum(tf.mul(values, eachOf(mask, values.size)));
  return tf.mul(sum, mask.size / values.size);
}

/** The mask of rows, or of pairs, which are filled up as a whole. */
function eachOf(mask: tf.Tensor1D, count: number): tf.Tensor1D {
  if (count === mask.size) return mask;
  return tf.reshape(tf.slice(tf.reshape(mask, [count, -1]), [0, 0], [count, 1]), [count]);
}

/** What pairs have, for each of their rows. */
function rowsOf(values: tf.Tensor1D, unit: number): tf.Tensor1D {
  if (unit === 1) return values;
  return tf.reshape(tf.tile(tf.reshape(values, [-1, 1]), [1, unit]), [values.size * unit]);
}

/** What TypeScript would have said of the rank, and nothing else of the number. */
function checkSize(
  what: string,
  { shape, size }: tf.Tensor,
  sizes: readonly number[],
  pairs: boolean,
): void {
  if (shape.length === 1 && sizes.includes(size)) return;
  throw new Error(
    `A method's ${what} has the shape [${shape.join(', ')}], expected [${sizes.join('] or [')}]: one for each ${pairs ? 'pair of rows' : 'row'}.`,
  );
}
