/**
 * A linear layer's weight with the adapter's part in it, and the adapter's factors beside it.
 *
 * With W' = W + up · down and y = x W'ᵀ the factors' gradients are dyᵀ (x downᵀ) and (dy up)ᵀ x: thin products all, where
 * the gradient of W', of which theirs are made otherwise, costs as much as the layer itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { adaptedBy, effectiveWeight } from './effective-weight';
import { product } from './operations/product';
import { asFloat32 } from './operations/stored-weight';

export interface LinearWeight {
  /** W', `[out, in]`. Where there are factors, a gradient with respect to it is W's alone. */
  readonly weight: tf.Tensor2D;
  readonly factors?: WeightFactors | undefined;
}

export interface WeightFactors {
  /** `[out, rank]`, times alpha / rank. */
  readonly up: tf.Tensor2D;
  /** `[rank, in]` */
  readonly down: tf.Tensor2D;
}

export function linearWeight(parameters: ModelParameters, path: string): LinearWeight {
  const adapted = adaptedBy(parameters, path);
  if (adapted === undefined) return { weight: effectiveWeight(parameters, path) };
  const { weight, up, down } = adapted as Record<keyof typeof adapted, tf.Tensor2D>;
  // Of four passes over x and dy, one for each column of the rank, and the one that makes the gradient of W'.
  const isThin = 4 * down.shape[0] <= Math.min(...weight.shape);
  if (!isThin) return { weight: effectiveWeight(parameters, path) };
  const sum = differentiable({ weight }, () => ({
    value: product(up, down, true, { add: asFloat32(weight) }),
    saved: [],
    gradients: (dy) => ({ weight: () => dy }),
  })) as tf.Tensor2D;
  return { weight: sum, factors: { up, down } };
}

/** Of a layer whose result is `scale` times this one's. */
export function scaleWeight({ weight, factors }: LinearWeight, scale: number): LinearWeight {
  return {
    weight: tf.mul(asFloat32(weight), scale),
    factors: factors && { up: tf.mul(factors.up, scale), down: factors.down },
  };
}

/** Of two layers that make the first and the second half of the result. */
export function halveWeight({ weight, factors }: LinearWeight): [LinearWeight, LinearWeight] {
  const [first, second] = tf.split(asFloat32(weight), 2) as [tf.Tensor2D, tf.Tensor2D];
  if (factors === undefined) return [{ weight: first }, { weight: second }];
  const { up, down } = factors;
  const [firstUp, secondUp] = tf.split(up, 2) as [tf.Tensor2D, tf.Tensor2D];
  return [
    { weight: first, factors: { up: firstUp, down } },
    { weight: second, factors: { up: secondUp, down } },
  ];
}

/**
 * Of a layer that makes the results of several side by side. Its factors are theirs, each on its own rows and columns:
 *
 *   W'₁   W₁     up₁ 0   0      down₁
 *   W'₂ = W₂  +  0   up₂ 0    · down₂
 *   W'₃   W₃     0   0   up₃    down₃
 */
export function joinWeights(parts: readonly LinearWeight[]): LinearWeight {
  const [first, ...rest] = parts as [LinearWeight, ...LinearWeight[]];
  if (rest.length === 0) return first;
  const weight = tf.concat(parts.map((part) => asFloat32(part.weight)));
  const rank = parts.reduce((sum, { factors }) => sum + (factors?.down.shape[0] ?? 0), 0);
  if (rank === 0) return { weight };
  let before = 0;
  const ups = parts.map(({ weight: { shape }, factors }) => {
    if (factors === undefined) return tf.zeros<tf.Rank.R2>([shape[0], rank]);
    const { up } = factors;
    const after = rank - before - up.shape[1];
    const padded = tf.pad(up, [
      [0, 0],
      [before, after],
    ]);
    before += up.shape[1];
    return padded;
  });
  const downs = parts.flatMap(({ factors }) => factors?.down ?? []);
  return { weight, factors: { up: tf.concat(ups), down: tf.concat(downs) } };
}
