/** Workers in one process, for the tests of what they do together. */
import { serialize, deserialize } from 'node:v8';

import * as tf from '@tensorflow/tfjs-core';

import type { Workers } from '../workers/workers';

interface Round {
  readonly call: string;
  readonly given: unknown[];
  readonly whole: PromiseWithResolvers<readonly unknown[]>;
}

/** Each waits in a call until the others have made it, and no two calls may differ. */
export function workersTogether(size: number): Workers[] {
  const rounds: Round[] = [];
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const exchange = async (call: string, value: unknown): Promise<readonly unknown[]> => {
      const round = (rounds[calls] ??= { call, given: [], whole: withResolvers() });
      calls += 1;
      if (round.call !== call)
        throw new Error(`Worker ${rank} calls ${call} where others call ${round.call}.`);
      round.given[rank] = value;
      if (round.given.filter((each) => each !== undefined).length === size) {
        round.whole.resolve(round.given);
      }
      return round.whole.promise;
    };
    return {
      ...{ rank, size },
      async sum(vector) {
        const own = Float32Array.from(await vector.data<'float32'>());
        vector.dispose();
        const all = (await exchange(`sum of ${own.length}`, own)) as Float32Array[];
        return tf.tensor1d(own.map((_, index) => all.reduce((sum, each) => sum + each[index]!, 0)));
      },
      async gather<Value>(value: Value) {
        const all = (await exchange('gather', serialize(value))) as Uint8Array[];
        return all.map((each) => deserialize(each) as Value);
      },
    };
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
