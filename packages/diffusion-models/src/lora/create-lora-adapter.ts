import * as tf from '@tensorflow/tfjs-core';
import type { LoraAdapter, LoraConfig, RandomSource, Weights } from '../types';
import { downKey, modulePaths, upKey } from './adapter-paths';
import { matchesTarget } from './adapter-targets';
import { factorShapes } from './factor-shapes';

/**
 * A fresh adapter that changes nothing yet: `down` normal with standard deviation 1 / rank, `up` zero (peft's "gaussian"
 * initialisation). Its weights are trainable variables; `tf.dispose(adapter.weights)` frees them.
 *
 * @param weights the UNet's
 * @param config `targets` are ends of paths of linear layers and convolutions, e.g. `to_q`, `attn2.to_k`, `ff.net.2` or `conv1`
 * @param random drawn from in the order of the sorted paths
 * @throws RangeError or Error for a rank that is no positive integer, an alpha that is not positive, or a target that matches nothing
 */
export function createLoraAdapter(
  weights: Weights,
  config: LoraConfig,
  random: RandomSource,
): LoraAdapter {
  const { rank, alpha, targets } = config;
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new RangeError(`A LoRA's rank must be a whole number from 1 on, it is ${rank}.`);
  }
  if (!Number.isFinite(alpha) || alpha <= 0) {
    throw new RangeError(`A LoRA's alpha must be a positive number, it is ${alpha}.`);
  }
  const adapted = new Set<string>();
  const paths = modulePaths(weights);
  if (targets.length === 0) throw new RangeError('A LoRA needs at least one target.');
  for (const target of targets) {
    const matches = paths.filter((path) => matchesTarget(path, target));
    if (matches.length === 0) {
      throw new Error(
        `The LoRA target ${JSON.stringify(target)} matches no module of this model; attention layers are to_q, to_k, to_v and to_out.0.`,
      );
    }
    for (const path of matches) adapted.add(path);
  }
  const shapes = [...adapted]
    .sort()
    .map((path) => [path, factorShapes(weights, path, rank, 'The LoRA targets match')] as const);

  const adapter: Record<string, tf.Tensor> = {};
  for (const [path, { down, up }] of shapes) {
    const count = down.reduce((product, size) => product * size, 1);
    const values = random.normal(count).map((value) => value / rank);
    adapter[downKey(path)] = variable(tf.tensor(values, [...down], 'float32'));
    adapter[upKey(path)] = variable(tf.zeros([...up]));
  }
  return { config: { rank, alpha, targets: [...targets] }, weights: adapter };
}

/** Takes the tensor over. */
function variable(tensor: tf.Tensor): tf.Variable {
  const result = tf.variable(tensor);
  tensor.dispose();
  return result;
}
