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
}

/** What a part of a chunk says of its rows. */
export interface PartLosses extends RowLosses {
  /** A divergence of each row, weighed in beside the loss; `[rows]`. */
  readonly divergence?: tf.Tensor1D | undefined;
  /** log p_θ of each row, for the report; `[rows]`. */
  readonly logProb?: tf.Tensor1D | undefined;
}

export type RowGradient = {
  /** Weighted. */
  readonly loss: tf.Scalar;
  /** Of all trained weights, one after the other. */
  readonly gradient: tf.Tensor1D;
  readonly logProb: tf.Tensor1D | undefined;
  /** Of the rows that the loss is averaged over, the part that does not count. */
  readonly dropped: tf.Scalar | undefined;
  /** Sums over the rows that the mask has, by name: of the method's measures, and of {@link DIVERGENCE}. */
  readonly sums: Readonly<Record<string, tf.Scalar>>;
};

/** The name that no measure may have. */
export const DIVERGENCE = 'divergence';

/**
 * @param divergenceWeight `[]`; needed where there is a divergence
 * @param lossesOf of the policy with weights that the gradient is taken in
 */
export function rowGradient(
  policy: Denoiser,
  { mask, weight }: WeighedRows,
  divergenceWeight: tf.Scalar | undefined,
  lossesOf: (policy: Denoiser) => PartLosses,
): RowGradient {
  const trained = trainedWeights(policy);
  const names = Object.keys(trained);
  const [rows] = mask.shape;
  let logProb: tf.Tensor1D | undefined;
  let dropped: tf.Scalar | undefined;
  const sums: Record<string, tf.Scalar> = {};
  const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
    const weights = Object.fromEntries(
      names.map((name, index) => [name, given[index] as tf.Tensor]),
    );
    const part = lossesOf(withTrainedWeights(policy, weights));
    logProb = part.logProb && tf.keep(part.logProb);
    const { counts, divergence } = part;
    const unit = rows / part.loss.size;
    for (const [name, measure] of Object.entries(part.measures ?? {})) {
      sums[name] = tf.keep(sumOver(measure, mask));
    }
    const losses = counts === undefined ? part.loss : tf.mul<tf.Tensor1D>(part.loss, counts);
    if (counts !== undefined) {
      dropped = tf.keep(tf.mul(sumOver(tf.sub(1, counts), mask), tf.div(weight, unit)));
    }
    let loss: tf.Tensor = tf.sum(tf.mul(losses, maskOf(part.loss.size, mask)));
    if (divergence !== undefined && divergenceWeight !== undefined) {
      sums[DIVERGENCE] = tf.keep(sumOver(divergence, mask));
      const penalty = tf.mul(tf.sum(tf.mul(divergence, mask)), tf.div(divergenceWeight, unit));
      loss = tf.add(loss, penalty);
    }
    return tf.mul(loss, weight);
  })(Object.values(trained));
  const gradient = tf.concat1d(grads.map((part) => tf.reshape(part, [part.size])));
  return { loss: value as tf.Scalar, gradient, logProb, dropped, sums };
}

/** That of a whole chunk, from its parts, which are freed. */
export function joinGradients(parts: readonly RowGradient[]): RowGradient {
  const logProbs = parts.flatMap(({ logProb }) => logProb ?? []);
  const dropped = parts.flatMap((part) => part.dropped ?? []);
  const sums = parts.map((part) => part.sums);
  const joined: RowGradient = {
    loss: tf.addN(parts.map(({ loss }) => loss)),
    gradient: tf.addN(parts.map(({ gradient }) => gradient)),
    logProb: logProbs.length === 0 ? undefined : tf.concat1d(logProbs),
    dropped: dropped.length === 0 ? undefined : tf.addN(dropped),
    sums: Object.fromEntries(
      Object.keys(sums[0] ?? {}).map((name) => [
        name,
        tf.addN(sums.map((part) => part[name] as tf.Scalar)),
      ]),
    ),
  };
  // Kept from inside the gradient, which frees what it makes.
  tf.dispose([...logProbs, ...dropped, ...sums.flatMap((part) => Object.values(part))]);
  return joined;
}

/** Over rows of values of which there are as many as rows, or as pairs; one of a pair counts twice. */
function sumOver(values: tf.Tensor, mask: tf.Tensor1D): tf.Scalar {
  const sum = tf.sum(tf.mul(values, maskOf(values.size, mask)));
  return tf.mul(sum, mask.size / values.size);
}

/** The mask of rows, or of pairs, which are filled up as a whole. */
function maskOf(count: number, mask: tf.Tensor1D): tf.Tensor1D {
  if (count === mask.size) return mask;
  return tf.reshape(tf.slice(tf.reshape(mask, [count, -1]), [0, 0], [count, 1]), [count]);
}
