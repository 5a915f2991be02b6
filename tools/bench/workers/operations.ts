/** Single operations at the sizes of a Stable Diffusion's first level. */
import type { Precision } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { startBackend, type WorkerBackend } from './backend';
import { compiledRows, finish, type Batch } from './in-parts';
import { attend, convolution, groupNorm, scaledGeglu } from './model-internals';
import { secondsOf, serve } from './protocol';

export interface OperationSettings {
  readonly device: WorkerBackend;
  readonly precision: Precision;
  readonly batch: number;
  readonly channels: number;
  /** Side of the feature map. */
  readonly size: number;
  readonly heads: number;
  readonly groups: number;
  /** Side of the square matrix product that the machine is measured by. */
  readonly matrix: number;
  /** Calls per repetition; what is reported is the mean of one. */
  readonly calls: number;
}

await serve(async (told) => {
  const settings = JSON.parse(told) as OperationSettings;
  const { batch, channels, size, heads, groups, matrix, calls } = settings;
  const versions = await startBackend(settings.device, batch, settings.precision);
  let seed = 0;
  const random = (...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', ++seed);
  const pixels = size * size;
  const wide = 4 * channels;

  const image = random(batch, size, size, channels);
  const kernel = { 'conv.weight': random(3, 3, channels, channels), 'conv.bias': random(channels) };
  const scales = { 'norm.weight': random(channels), 'norm.bias': random(channels) };
  const single = <Constants>(
    constants: Constants,
    batchOf: Batch,
    run: (constants: Constants, part: Batch) => tf.Tensor,
  ) => {
    const [{ shape }] = Object.values(batchOf) as [tf.Tensor];
    const call = compiledRows(shape[0], constants, run);
    return () => call(batchOf);
  };
  const work = {
    'matrix product, square': single(
      random(matrix, matrix),
      { x: random(matrix, matrix) },
      product,
    ),
    'matrix product, tokens': single(
      random(channels, wide),
      { x: random(batch * pixels, channels) },
      product,
    ),
    'convolution 3×3': single(kernel, { x: image }, (weights, { x }) =>
      convolution({ weights }, 'conv', x as tf.Tensor4D),
    ),
    'group norm and SiLU': single(scales, { x: image }, (weights, { x }) =>
      groupNorm({ weights }, 'norm', x as tf.Tensor4D, { groups, epsilon: 1e-5, silu: true }),
    ),
    // From queries, keys and values side by side to the heads' results side by side, as in a model.
    'softmax attention': single({}, { x: random(batch, pixels, 3 * channels) }, (_, { x }) => {
      const [rows] = x!.shape as [number];
      return attend([tf.reshape(x!, [rows * pixels, 3 * channels])], { batch: rows, heads });
    }),
    GEGLU: single(
      {},
      { value: random(batch * pixels, wide), gate: random(batch * pixels, wide) },
      (_, { value, gate }) => scaledGeglu(value!, gate!),
    ),
  };
  const measure = (): Record<string, number> => {
    const seconds = Object.fromEntries(
      Object.entries(work).map(([name, call]) => [name, meanSeconds(call, calls)]),
    );
    return { ...seconds, total: Object.values(seconds).reduce((sum, value) => sum + value, 0) };
  };
  measure();
  return { versions, repeat: async () => measure() };
});

function product(matrix: tf.Tensor, { x }: Batch): tf.Tensor {
  return tf.matMul(x as tf.Tensor2D, matrix);
}

function meanSeconds(call: () => tf.Tensor, calls: number): number {
  const all = secondsOf(() => {
    for (let index = 1; index < calls; index += 1) call().dispose();
    // Work is done in order: after the last, all is done.
    finish(call());
  });
  return all / calls;
}
