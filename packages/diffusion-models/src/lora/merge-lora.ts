import * as tf from '@tensorflow/tfjs-core';
import { effectiveKernel, effectiveWeight } from '../layers/effective-weight';
import type { LoraAdapter, Weights } from '../types';
import { adaptedPaths, weightKey } from './adapter-paths';
import { checkFactors } from './check-factors';

/** An adapter, and how much of it. */
export interface WeightedLora {
  readonly adapter: LoraAdapter;
  /** Of the adapter's change; 1 is the adapter as it is. */
  readonly weight: number;
}

/**
 * The weights with the adapter's part added, W + weight · (alpha / rank) · up · down: a model that needs no adapter.
 *
 * Nothing is read back from the device, so that it costs little in every rollout; {@link mergeLoras} looks at the sums.
 *
 * @returns new tensors for the adapted weights, which the caller disposes; all others are those of `weights`
 * @throws Error when the adapter's paths or shapes are not those of this model; RangeError for a weight that is not finite
 */
export function mergeLora(
  weights: Weights,
  adapter: LoraAdapter,
  weight = 1,
): Record<string, tf.Tensor> {
  return merge(weights, [{ adapter, weight }]);
}

/**
 * The weights with the parts of several adapters added, W + Σ_i weight_i · (alpha_i / rank_i) · up_i · down_i, one after
 * another as they stand, as `set_adapters` and `fuse_lora` of diffusers do.
 *
 * @returns new tensors for the adapted weights, which the caller disposes; all others are those of `weights`
 * @throws as {@link mergeLora} does, before anything is computed; Error when a sum is too large for float32, and nothing is kept
 */
export function mergeLoras(
  weights: Weights,
  adapters: readonly WeightedLora[],
): Record<string, tf.Tensor> {
  const merged = merge(weights, adapters);
  const changed = Object.entries(merged).filter(([key, tensor]) => tensor !== weights[key]);
  const broken = changed.find(([, tensor]) => !isFinite(tensor))?.[0];
  if (broken === undefined) return merged;
  tf.dispose(changed.map(([, tensor]) => tensor));
  throw new Error(
    `With adapters at the weights ${adapters.map(({ weight }) => weight).join(', ')} the model's ${JSON.stringify(broken)} is no longer finite. Take less of them.`,
  );
}

function merge(weights: Weights, adapters: readonly WeightedLora[]): Record<string, tf.Tensor> {
  for (const { adapter, weight } of adapters) {
    if (!Number.isFinite(weight)) {
      throw new RangeError(`An adapter's weight must be a finite number, it is ${weight}.`);
    }
    checkFactors(weights, adapter);
  }
  const merged: Record<string, tf.Tensor> = { ...weights };
  for (const { adapter, weight } of adapters) {
    const alpha = weight * adapter.config.alpha;
    const lora = { ...adapter, config: { ...adapter.config, alpha } };
    for (const path of adaptedPaths(adapter)) {
      const key = weightKey(path);
      const before = merged[key] as tf.Tensor;
      const effective = before.rank === 2 ? effectiveWeight : effectiveKernel;
      merged[key] = tf.tidy(() => effective({ weights: merged, lora }, path));
      if (before !== weights[key]) before.dispose();
    }
  }
  return merged;
}

/** A value times zero is zero, or NaN where the value is not finite. */
function isFinite(tensor: tf.Tensor): boolean {
  return tf.tidy(() => tf.sum(tf.mul(tensor, 0)).dataSync()[0] === 0);
}
