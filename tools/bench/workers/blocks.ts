/** The two blocks that a UNet consists of, forward and with their gradients. */
import { parseUNetConfig, type Weights } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { randomAdapter } from './adapter';
import { startBackend, type WorkerBackend } from './backend';
import { asVector, compiledRows, compiledSum, finish, type Batch } from './in-parts';
import {
  initializeWeights,
  projectContext,
  residualBlock,
  residualBlockShapes,
  shapeCollector,
  transformer,
  transformerShapes,
} from './model-internals';
import { secondsOf, serve } from './protocol';
import { repeatingRandom } from './random-source';

export interface BlockSettings {
  readonly device: WorkerBackend;
  readonly batch: number;
  readonly channels: number;
  /** Side of the feature map. */
  readonly size: number;
  readonly timeChannels: number;
  readonly tokens: number;
  readonly textChannels: number;
  readonly heads: number;
  readonly groups: number;
  readonly loraRank: number;
}

const PATH = 'block';

await serve(async (told) => {
  const settings = JSON.parse(told) as BlockSettings;
  const { batch, channels, size, timeChannels, tokens, textChannels, heads, groups } = settings;
  const versions = await startBackend(settings.device, batch);
  const config = parseUNetConfig({ cross_attention_dim: textChannels });
  const norm = { groups, epsilon: 1e-5 };

  const residualShapes = shapeCollector();
  residualBlockShapes(residualShapes, PATH, channels, channels, timeChannels);
  const residualWeights = initializeWeights(residualShapes.shapes, repeatingRandom(0));
  const residual = (weights: Weights, { x, time }: Batch): tf.Tensor =>
    residualBlock({ weights }, PATH, x as tf.Tensor4D, norm, time as tf.Tensor2D);

  const transformerCollector = shapeCollector();
  transformerShapes(transformerCollector, config, PATH, channels, 1);
  const weights = initializeWeights(transformerCollector.shapes, repeatingRandom(0));
  const adapter = randomAdapter(weights, settings.loraRank);
  const constants = { weights, lora: adapter };
  const attend = (parameters: typeof constants, { x, text }: Batch): tf.Tensor => {
    const context = tf.reshape<tf.Rank.R2>(text!, [-1, textChannels]);
    const given = { ...config, normGroups: groups };
    const textOf = (path: string) => projectContext(parameters, path, context);
    return transformer(given, parameters, PATH, x as tf.Tensor4D, textOf, {
      heads,
      layers: 1,
    });
  };

  const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
  const inputs = {
    x: random([batch, size, size, channels], 1),
    time: random([batch, timeChannels], 2),
    text: random([batch, tokens, textChannels], 3),
  };
  const names = Object.keys(adapter.weights);
  const work = {
    'residual block forward': compiledRows(batch, residualWeights, residual),
    // Its weights are frozen: what flows back is the gradient of its input.
    'residual block gradient': compiledRows(batch, residualWeights, (given, part) =>
      tf.grad((x) => tf.mean(tf.square(residual(given, { ...part, x }))))(part['x']!),
    ),
    'transformer block forward': compiledRows(batch, constants, attend),
    'transformer block gradient': compiledSum(batch, constants, (given, part) => {
      const loss = (x: tf.Tensor, ...factors: tf.Tensor[]): tf.Tensor => {
        const changed = Object.fromEntries(names.map((name, index) => [name, factors[index]!]));
        const lora = { ...given.lora, weights: changed };
        return tf.mean(tf.square(attend({ ...given, lora }, { ...part, x })));
      };
      const factors = names.map((name) => given.lora.weights[name]!);
      const [input, ...gradients] = tf.grads(loss)([part['x']!, ...factors]);
      // The input's is computed as inside a UNet; its sum stands for it.
      return asVector([tf.sum(input!), ...gradients]);
    }),
  };
  const measure = (): Record<string, number> => {
    const seconds = Object.fromEntries(
      Object.entries(work).map(([name, call]) => [name, secondsOf(() => finish(call(inputs)))]),
    );
    return { ...seconds, total: Object.values(seconds).reduce((sum, value) => sum + value, 0) };
  };
  measure();
  return { versions, repeat: async () => measure() };
});
