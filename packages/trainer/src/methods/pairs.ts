import { bestAndWorst } from '@loop-diffusion/advantage-estimators';
import * as tf from '@tensorflow/tfjs-core';

import type { GroupedRewards } from './method';

/** 1 for the best and −1 for the worst of a prompt; the others, and all of a prompt whose rewards are equal, are left out. */
export function bestAgainstWorst({ rewards, mask }: GroupedRewards): number[][] {
  return bestAndWorst(rewards, mask).map((row) =>
    row.map((preference) => (preference === 0 ? Number.NaN : preference)),
  );
}

/** The halves of a pair, of what has a number for every row. */
export function winnersAndLosers(rows: tf.Tensor1D): [winners: tf.Tensor1D, losers: tf.Tensor1D] {
  const pairs = tf.reshape(rows, [-1, 2]);
  return tf.unstack(pairs, 1) as [tf.Tensor1D, tf.Tensor1D];
}

/** Of ±1 a clamp makes something else. */
export function clampedPreferences(name: string, advantageClip: number | null): readonly string[] {
  return advantageClip === null || advantageClip >= 1
    ? []
    : [
        `algorithm.advantageClip is ${String(advantageClip)}, but ${name} compares the best with the worst of a prompt, whatever their rewards; leave it out`,
      ];
}
