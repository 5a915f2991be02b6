/** Workers in one process, for the tests of what they do together. */
import * as tf from '@tensorflow/tfjs-core';

import { createWorkers } from '../workers/create-workers';
import type { Workers } from '../workers/workers';

interface Round {
  readonly given: unknown[];
  readonly whole: PromiseWithResolvers<readonly unknown[]>;
}

/** Each waits in an exchange until the others have come to it. */
export function workersTogether(size: number): Workers[] {
  const rounds: Round[] = [];
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const exchange = async <Value>(value: Value): Promise<Value[]> => {
      const round = (rounds[calls] ??= { given: [], whole: withResolvers() });
      calls += 1;
      round.given[rank] = value;
      if (Object.keys(round.given).length === size) round.whole.resolve(round.given);
      return (await round.whole.promise) as Value[];
    };
    const vectors = async (vector: tf.Tensor1D) =>
      exchange(Float32Array.from(await vector.data<'float32'>()));
    return createWorkers({
      ...{ rank, size },
      numbers: (own) => exchange([...own]),
      bytes: (own) => exchange(own),
      async sum(vector) {
        const [first, ...others] = await vectors(vector);
        return tf.tensor1d(
          first!.map((value, index) => others.reduce((sum, each) => sum + each[index]!, value)),
        );
      },
      broadcast: async (vector) => tf.tensor1d((await vectors(vector))[0]!),
    });
  });
}

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
}

function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
