/**
 * Adapts every kind of layer of a Stable Diffusion folder's UNet at random and writes what another implementation needs to
 * say whether it means the same.
 *
 *   node -C @loop/source --import tsx tools/parity/lora-write.ts --out FOLDER [--model FOLDER]
 *
 * FOLDER gets `diffusers/pytorch_lora_weights.safetensors`, `kohya.safetensors`, `kohya-sd.safetensors` (without the layers that
 * kohya's scripts never train, whose names diffusers does not know), `merged/` with the adapter in the weights, and
 * `io.safetensors`: `sample` and outputs [2, 4, h, w], `text` [2, tokens, width], `timesteps` [2].
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { counterNormal, counterUniform } from '@loop-diffusion/diffusion-mdp';
import {
  createLoraAdapter,
  loadStableDiffusion,
  loraToKohyaSafetensors,
  loraToSafetensors,
  mergeLora,
  stableDiffusionFiles,
  unet,
  type LoraAdapter,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';

const { values: options } = parseArgs({
  options: { out: { type: 'string' }, model: { type: 'string', default: shapesModelFolder() } },
});
const { out } = options;
if (out === undefined) throw new Error('say with --out which folder to write');

let draws = 0;
const key = () => ({ seed: 0, prompt: 0, sample: 0, step: draws++ });
const normal = (count: number) => counterNormal(key(), count);
const random = { normal, uniform: (count: number) => counterUniform(key(), count) };

await useBestBackend();
const model = await loadStableDiffusion({
  name: options.model,
  read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(options.model, path)))),
  exists: (path) => Promise.resolve(existsSync(join(options.model, path))),
});
const { config, weights } = model.unet;

const RANK = 4;
const TARGETS = [
  ...['to_q', 'to_k', 'to_v', 'to_out.0', 'ff.net.0.proj', 'ff.net.2', 'proj_in', 'proj_out'],
  ...['time_emb_proj', 'conv1', 'conv2', 'conv_shortcut', 'downsamplers.0.conv'],
  ...['upsamplers.0.conv', 'conv_in', 'conv_out', 'linear_1', 'linear_2'],
];
const fresh = createLoraAdapter(weights, { rank: RANK, alpha: 6, targets: TARGETS }, random);
/** Another than the adapter's for some kinds of layers. */
const rankOf = (name: string) => (/conv1|attn2\.to_k|net\.2/.test(name) ? 2 : RANK);
const adapter: LoraAdapter = {
  ...fresh,
  weights: Object.fromEntries(
    Object.entries(fresh.weights).map(([name, factor]) => {
      const isUp = name.endsWith('.lora.up.weight');
      // An adapter's ups begin at 0. These are as large as make about a tenth of the weights.
      const values = isUp ? tf.mul(tf.tensor(normal(factor.size), factor.shape), 0.02) : factor;
      const axis = factor.rank === 4 ? (isUp ? 2 : 3) : isUp ? 1 : 0;
      const size = factor.shape.map((length, index) => (index === axis ? rankOf(name) : length));
      return [name, tf.slice(values, new Array<number>(factor.rank).fill(0), size)];
    }),
  ),
};
const isUnknown = (name: string) => /^(conv_in|conv_out|time_embedding)\./.test(name);
const known = Object.entries(adapter.weights).filter(([name]) => !isUnknown(name));
const adapterOfKohya = { ...adapter, weights: Object.fromEntries(known) };

const side = 8;
const sample = tf.tensor4d(normal(2 * side * side * config.inChannels), [
  2,
  side,
  side,
  config.inChannels,
]);
const text = tf.tensor3d(normal(2 * 77 * config.crossAttentionDim), [
  2,
  77,
  config.crossAttentionDim,
]);
const timesteps = [801, 41];
const predict = (lora?: LoraAdapter, used = weights) =>
  unet(config, used, { sample, timesteps, encoderHiddenStates: text, lora });
const merged = mergeLora(weights, adapter);

const write = (path: string, bytes: Uint8Array): void => {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), bytes);
};
write('diffusers/pytorch_lora_weights.safetensors', loraToSafetensors(adapter));
write('kohya.safetensors', loraToKohyaSafetensors(adapter));
write('kohya-sd.safetensors', loraToKohyaSafetensors(adapterOfKohya));
const parts = { ...model, unet: { config, weights: merged } };
for (const [path, bytes] of stableDiffusionFiles(parts)) write(`merged/${path}`, bytes);

const stored = (tensor: tf.Tensor) => float32Tensor(tensor.dataSync<'float32'>(), tensor.shape);
const channelsFirst = (tensor: tf.Tensor4D) => stored(tf.transpose(tensor, [0, 3, 1, 2]));
write(
  'io.safetensors',
  writeSafetensors(
    [
      ['sample', channelsFirst(sample)],
      ['text', stored(text)],
      ['timesteps', float32Tensor(Float32Array.from(timesteps), [2])],
      ['plain', channelsFirst(predict())],
      ['adapted', channelsFirst(predict(adapter))],
      ['kohya-sd', channelsFirst(predict(adapterOfKohya))],
      ['merged', channelsFirst(predict(undefined, merged))],
    ],
    { model: options.model },
  ),
);
console.log(`${out}: ${String(Object.keys(adapter.weights).length / 2)} modules adapted`);
