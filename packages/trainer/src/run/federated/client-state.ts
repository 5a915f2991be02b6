/**
 * What a client keeps between its turns: numbers on the host, so that they can be sent, written and put away, and take no room
 * where tensors are.
 */
import type { CombinationState } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { flatten, unflatten } from '../../learning/flat-weights';
import { holdState, releaseState, restoreState } from '../training-state';

export interface ClientState {
  /** Of all variables of the run, one after the other. */
  readonly weights: Float32Array;
  readonly optimizer: {
    readonly steps: number;
    readonly numbers: Readonly<Record<string, number>>;
    readonly tensors: Readonly<Record<string, Float32Array>>;
  };
  /** Plain JSON. */
  readonly advantages: unknown;
  /** What its rewards' running scales remember. */
  readonly rewards: CombinationState;
  /** Of the divergence from the base model, where it follows a target. */
  readonly klWeight: number | null;
}

type Trained = Parameters<typeof holdState>[0];

/** A copy of the run's state as it is now. */
export function copyState(run: Trained): ClientState {
  const held = holdState(run);
  try {
    const { optimizer, advantages, rewards, klWeight } = held;
    const tensors = Object.entries(optimizer.tensors).map(
      ([name, tensor]) => [name, Float32Array.from(tensor.dataSync<'float32'>())] as const,
    );
    return {
      weights: numbersOf(held.weights),
      optimizer: { ...optimizer, tensors: Object.fromEntries(tensors) },
      ...{ advantages, rewards, klWeight },
    };
  } finally {
    releaseState(held);
  }
}

/** @throws RangeError when it is of other variables or another optimizer */
export function putState(run: Trained, state: ClientState): void {
  const { weights, optimizer, ...others } = state;
  // Not tidied: what the optimizer takes over of them must outlive this.
  const vector = tf.tensor1d(weights);
  const entries = Object.entries(optimizer.tensors).map(
    ([name, numbers]) => [name, tf.tensor1d(numbers)] as const,
  );
  const parts = tf.tidy(() => unflatten(vector, run.variables));
  try {
    restoreState(run, {
      ...others,
      weights: parts,
      optimizer: { ...optimizer, tensors: Object.fromEntries(entries) },
      ...{ averages: {}, emaUpdates: 0 },
    });
  } finally {
    tf.dispose([vector, ...parts, ...entries.map(([, tensor]) => tensor)]);
  }
}

/** All as one vector, a copy. */
export function numbersOf(tensors: readonly tf.Tensor[]): Float32Array {
  if (tensors.length === 0) return new Float32Array();
  const vector = flatten(tensors);
  const numbers = Float32Array.from(vector.dataSync<'float32'>());
  vector.dispose();
  return numbers;
}

/** Gives the variables these numbers. */
export function assignNumbers(variables: readonly tf.Variable[], numbers: Float32Array): void {
  if (variables.length === 0) return;
  tf.tidy(() => {
    const parts = unflatten(tf.tensor1d(numbers), variables);
    for (const [index, variable] of variables.entries()) variable.assign(parts[index]!);
  });
}
