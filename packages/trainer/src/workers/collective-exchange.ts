/** The processes of a cluster as workers, over TensorFlow's collective operations. */
import {
  allGather,
  allGatherNumbers,
  allReduce,
  broadcast,
  clusterInfo,
  type Cluster,
} from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { createWorkers, type Exchange } from './create-workers';
import { ALONE, type Workers } from './workers';

/** How long the others wait for one that draws a grid of pictures, or for a server of rewards. */
export const PATIENCE_SECONDS = 1800;

/** @param cluster that this process has joined; undefined for one by itself */
export function clusterWorkers(
  cluster: Cluster | undefined,
  patienceSeconds: number = PATIENCE_SECONDS,
): Workers {
  return cluster === undefined || cluster.workers.length === 1
    ? ALONE
    : createWorkers(collectiveExchange(patienceSeconds));
}

/** @param timeoutSeconds how long a call waits for the slowest */
function collectiveExchange(timeoutSeconds: number): Exchange {
  const options = { timeoutSeconds };
  const { rank, size } = clusterInfo();
  return {
    ...{ rank, size },
    numbers: (own) => allGatherNumbers(own, options),
    async bytes(own) {
      // Before the bytes of each stands how many they are, for they travel as whole integers.
      const packed = new Int32Array(1 + Math.ceil(own.length / 4));
      packed[0] = own.length;
      new Uint8Array(packed.buffer).set(own, 4);
      const vector = tf.tensor1d(packed, 'int32');
      const gathering = allGather(vector, options);
      vector.dispose();
      const all = await gathering;
      const values = Int32Array.from(all.dataSync<'int32'>());
      all.dispose();
      return unpack(values);
    },
    sum: (vector) => allReduce(vector, options),
    broadcast: (vector) => broadcast(vector, 0, options),
  };
}

function unpack(values: Int32Array): Uint8Array[] {
  const bytes = new Uint8Array(values.buffer);
  const parts: Uint8Array[] = [];
  for (let start = 0; start < values.length;) {
    const length = values[start]!;
    parts.push(bytes.slice((start + 1) * 4, (start + 1) * 4 + length));
    start += 1 + Math.ceil(length / 4);
  }
  return parts;
}
