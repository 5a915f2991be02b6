/** What workers say to each other before each of their calls, over whatever carries it. */
import { deserialize, serialize } from 'node:v8';

import type * as tf from '@tensorflow/tfjs-core';

import { ALONE, WorkerLeft, type Departure, type Workers } from './workers';

/** What carries it: of each method the results are the same everywhere, or ordered by rank. */
export interface Exchange {
  readonly rank: number;
  readonly size: number;
  /** As many numbers of each. */
  numbers(own: readonly number[]): Promise<number[][]>;
  /** Of any length each. */
  bytes(own: Uint8Array): Promise<Uint8Array[]>;
  /** Does not free what it is given, and neither does `broadcast`. */
  sum(vector: tf.Tensor1D): Promise<tf.Tensor1D>;
  /** From rank 0. */
  broadcast(vector: tf.Tensor1D): Promise<tf.Tensor1D>;
}

const CALLS = ['leave', 'end', 'sum', 'gather', 'broadcast'] as const;
type Call = (typeof CALLS)[number];

/** Before each call all say which one it is: so who leaves is heard of by all at once, and a worker out of step is no riddle. */
export function createWorkers(exchange: Exchange): Workers {
  const { rank, size } = exchange;
  if (size === 1) return ALONE;
  let over = false;
  let milliseconds = 0;

  async function timed<Result>(work: () => Promise<Result>): Promise<Result> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      milliseconds += performance.now() - began;
    }
  }

  /** @param length of what is exchanged, where it must be the same */
  async function meet(call: Call, length = 0, departure?: Departure): Promise<void> {
    if (over) throw new TypeError(`The workers have ended; no ${call} can follow.`);
    over = call === 'leave' || call === 'end';
    const told = await exchange.numbers([CALLS.indexOf(call), length]);
    if (told.some(([code]) => CALLS[code!] === 'leave')) {
      over = true;
      const letters = await exchange.bytes(serialize(departure));
      if (call !== 'leave') throw firstToLeave(letters);
      return;
    }
    const unlike = told.findIndex(([code, other]) => CALLS[code!] !== call || other !== length);
    if (unlike === -1) return;
    over = true;
    const describe = ([code, numbers]: readonly number[]) =>
      `${CALLS[code!] ?? 'an unknown call'} of ${String(numbers)}`;
    throw new Error(
      `The workers are out of step: worker ${String(rank)} calls ${call} of ${String(length)}, worker ${String(unlike)} ${describe(told[unlike]!)}.`,
    );
  }

  async function freeing(
    vector: tf.Tensor1D,
    work: () => Promise<tf.Tensor1D>,
  ): Promise<tf.Tensor1D> {
    try {
      return await timed(work);
    } finally {
      vector.dispose();
    }
  }

  return {
    ...{ rank, size },
    get seconds() {
      return milliseconds / 1000;
    },
    sum: (vector) =>
      freeing(vector, async () => {
        await meet('sum', vector.size);
        return exchange.sum(vector);
      }),
    gather: <Value>(value: Value) =>
      timed(async () => {
        await meet('gather');
        const all = await exchange.bytes(serialize(value));
        return all.map((bytes) => deserialize(bytes) as Value);
      }),
    broadcast: (vector) =>
      freeing(vector, async () => {
        await meet('broadcast', vector.size);
        return exchange.broadcast(vector);
      }),
    // Where the others have ended already they know.
    leave: async (departure) => (over ? undefined : meet('leave', 0, departure)),
    end: () => meet('end'),
  };
}

/** Of several that leave at once, one that has something to say. */
function firstToLeave(letters: readonly Uint8Array[]): WorkerLeft {
  const departures = letters.map((letter) => deserialize(letter) as Departure | undefined);
  const speaking = departures.findIndex((departure) => departure?.problem !== undefined);
  const rank = speaking === -1 ? departures.findIndex((departure) => departure) : speaking;
  return new WorkerLeft(rank, departures[rank]!);
}
