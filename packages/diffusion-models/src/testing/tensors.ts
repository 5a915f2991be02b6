import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import type { RandomSource } from '../types';

/** The tensors of a fixture by name: images `[batch, channels, h, w]` come as `[batch, h, w, channels]`. */
export function fixtureTensors(bytes: Uint8Array): (name: string) => tf.Tensor {
  const { tensors } = readSafetensors(bytes);
  return (name) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new Error(`the fixture has no "${name}"`);
    const tensor = tf.tensor(toFloat32Array(stored), [...stored.shape]);
    return tensor.rank === 4 ? tf.transpose(tensor, [0, 2, 3, 1]) : tensor;
  };
}

/** The largest |a − b|; NaN, which no bound admits, if the shapes differ. */
export function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  if (a.shape.join() !== b.shape.join()) return Number.NaN;
  return largest(tf.sub(a, b));
}

/** The largest |x|. */
export function largest(x: tf.Tensor): number {
  return tf.max(tf.abs(x)).dataSync()[0]!;
}

/** The largest |a − b| in units of the largest |b|. */
export function relativeDifference(a: tf.Tensor, b: tf.Tensor): number {
  return largestDifference(a, b) / largest(b);
}

/** Numbers for tests: a linear congruential generator (Numerical Recipes), normals by Box–Muller. */
export function seededRandom(seed: number): RandomSource {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return {
    uniform: (count) => Float32Array.from({ length: count }, next),
    normal: (count) =>
      Float32Array.from({ length: count }, () => {
        const radius = Math.sqrt(-2 * Math.log(1 - next()));
        return radius * Math.cos(2 * Math.PI * next());
      }),
  };
}
