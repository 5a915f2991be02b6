import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, toFloat32Array, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { fixtureTensors, largest, largestDifference, relativeDifference } from '../testing/tensors';
import type { LoraAdapter, Weights } from '../types';
import { parseUNetConfig } from '../unet/config';
import { unet } from '../unet/unet';
import { weightsFromSafetensors } from '../weights';
import { adaptedPaths, downKey, modulePaths, upKey } from './adapter-paths';
import { pathsByKohyaName } from './kohya-names';
import { loraFromSafetensors } from './lora-from-safetensors';
import { loraToKohyaSafetensors } from './lora-to-kohya-safetensors';
import { loraToSafetensors } from './lora-to-safetensors';
import { mergeLora, mergeLoras } from './merge-lora';

/** PyTorch's own float32 noise on these outputs is up to 5e-6 (active against fused). */
const OUTPUT_TOLERANCE = 2e-5;
/** Of the largest; PyTorch's noise is 4.2e-5. */
const GRADIENT_TOLERANCE = 1e-4;
const MODULES = 83;

const fixture = (path: string) => readFileSync(join(__dirname, '../../fixtures', path));
const here = (path: string) => fixture(`lora-any-layer/${path}`);
const config = parseUNetConfig(JSON.parse(fixture('pipeline/unet/config.json').toString()));
const cases = JSON.parse(here('cases.json').toString()) as {
  timesteps: number[];
  weights: [number, number];
};
const FILES = {
  pipeline: 'pipeline/pytorch_lora_weights.safetensors',
  model: 'model/pytorch_lora_weights.safetensors',
  kohya: 'kohya.safetensors',
} as const;

let weights: Weights;
let expected: ReturnType<typeof fixtureTensors>;
beforeAll(() => {
  weights = weightsFromSafetensors(
    readSafetensors(fixture('pipeline/unet/diffusion_pytorch_model.safetensors')),
  );
  expected = fixtureTensors(here('io.safetensors'));
});

const load = (file: keyof typeof FILES = 'pipeline') =>
  loraFromSafetensors(here(FILES[file]), weights);

function predict(lora?: LoraAdapter, model = weights, checkpoint = false): tf.Tensor4D {
  return unet(config, model, {
    gradientCheckpointing: checkpoint,
    sample: expected('sample') as tf.Tensor4D,
    timesteps: cases.timesteps,
    encoderHiddenStates: expected('encoder_hidden_states') as tf.Tensor3D,
    lora,
  });
}

/** A kernel `[out, in, h, w]`, read as if it were an image and so `[out, h, w, in]`, as `[h, w, in, out]`. */
const kernel = (read: tf.Tensor): tf.Tensor =>
  read.rank === 4 ? tf.transpose(read, [1, 2, 3, 0]) : read;

const TARGETS = [
  ...['conv1', 'conv2', 'conv_in', 'conv_out', 'conv_shortcut', 'downsamplers.0.conv'],
  ...['ff.net.0.proj', 'ff.net.2', 'linear_1', 'linear_2', 'proj_in', 'proj_out'],
  ...['time_emb_proj', 'to_k', 'to_out.0', 'to_q', 'to_v', 'upsamplers.0.conv'],
];

test.each(['pipeline', 'model', 'kohya'] as const)(
  'read from the file %s it gives what diffusers gives',
  (file) => {
    const before = tf.memory().numTensors;
    const adapter = load(file);
    expect(tf.memory().numTensors - before).toBe(2 * MODULES);
    // The largest rank is that of one module alone, with the alpha of no pattern.
    expect(adapter.config).toEqual({ rank: 4, alpha: 3, targets: TARGETS });
    const output = predict(adapter);
    expect(largestDifference(output, expected('output'))).toBeLessThan(OUTPUT_TOLERANCE);
  },
);

test('read from a file with the names of the original code', () => {
  const { tensors } = readSafetensors(here(FILES.kohya));
  const originals = new Map<string, string>();
  for (const [name, path] of pathsByKohyaName(modulePaths(weights))) {
    if (name !== path.replaceAll('.', '_')) originals.set(path.replaceAll('.', '_'), name);
  }
  const renamed = [...tensors].map(([key, tensor]) => {
    const [, name, rest] = /^lora_unet_([^.]+)(\..+)$/.exec(key)!;
    return [`lora_unet_${originals.get(name!)!}${rest!}`, tensor] as const;
  });
  expect(renamed.some(([key]) => key.startsWith('lora_unet_input_blocks_1_1_'))).toBe(true);
  const adapter = loraFromSafetensors(writeSafetensors(renamed), weights);
  const same = load('kohya');
  expect(adapter.config).toEqual(same.config);
  for (const [key, factor] of Object.entries(same.weights)) {
    expect(largestDifference(adapter.weights[key]!, factor)).toBe(0);
  }
});

test.each([false, true])('gradients of its factors (checkpoint: %s)', (checkpoint) => {
  const adapter = load();
  const known = fixtureTensors(here('params_and_grads.safetensors'));
  const keys = Object.keys(adapter.weights);
  const before = tf.memory().numTensors;
  const gradients = tf.grads((...factors) => {
    const active = Object.fromEntries(keys.map((key, i) => [key, factors[i]!]));
    const output = predict({ ...adapter, weights: active }, weights, checkpoint);
    return tf.sum(tf.mul(output, expected('grad_output')));
  })(keys.map((key) => adapter.weights[key]!));
  const inputs = 3;
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(keys.length + inputs);
  for (const path of adaptedPaths(adapter)) {
    const name = (factor: string, of: string) => `${of}.${path}.${factor}.weight`;
    // A file's alphas stand in `up`: what it is of theirs, the gradient is the other way round.
    const theirs = kernel(known(name('lora_B', 'param')));
    const ratio = largest(adapter.weights[upKey(path)]!) / largest(theirs);
    const up = tf.mul(theirs, ratio);
    expect(relativeDifference(adapter.weights[upKey(path)]!, up)).toBeLessThan(1e-6);
    for (const [key, factor, toOurs] of [
      [downKey(path), 'lora_A', 1],
      [upKey(path), 'lora_B', 1 / ratio],
    ] as const) {
      const gradient = tf.mul(kernel(known(name(factor, 'grad'))), toOurs);
      const off = relativeDifference(gradients[keys.indexOf(key)]!, gradient);
      expect({ key, close: off < GRADIENT_TOLERANCE }).toEqual({ key, close: true });
    }
  }
});

test('merged into the weights', () => {
  const adapter = load();
  const before = tf.memory().numTensors;
  const merged = mergeLora(weights, adapter);
  expect(tf.memory().numTensors - before).toBe(MODULES);
  for (const path of ['mid_block.resnets.0.conv1', 'mid_block.attentions.0.proj_in']) {
    const key = `${path}.weight`;
    const fused = kernel(expected(`fused_weight.${key}`));
    expect(largestDifference(merged[key]!, fused)).toBeLessThan(1e-6);
  }
  const output = predict(undefined, merged);
  expect(largestDifference(output, expected('fused_output'))).toBeLessThan(OUTPUT_TOLERANCE);
  expect(largestDifference(output, predict(adapter))).toBe(0);
});

test('merged with another, each with a weight', () => {
  const other = loraFromSafetensors(
    fixture('lora/a8/diffusers_meta/pytorch_lora_weights.safetensors'),
    weights,
  );
  const before = tf.memory().numTensors;
  const merged = mergeLoras(weights, [
    { adapter: load(), weight: cases.weights[0] },
    { adapter: other, weight: cases.weights[1] },
  ]);
  expect(tf.memory().numTensors - before).toBe(3 * MODULES);
  expect(largestDifference(predict(undefined, merged), expected('weighted_output'))).toBeLessThan(
    OUTPUT_TOLERANCE,
  );
});

test.each([
  ['diffusers', loraToSafetensors, 0],
  // A module of rank 3 among those of rank 4 has its `up` times 3 / 4, and back: two roundings to 24 bits.
  ['kohya', loraToKohyaSafetensors, 2 ** -23],
])('written in the layout of %s and read back', (_layout, write, tolerance) => {
  const adapter = load();
  const before = tf.memory().numTensors;
  const bytes = write(adapter);
  expect(tf.memory().numTensors).toBe(before);
  const again = loraFromSafetensors(bytes, weights);
  expect(again.config).toEqual(adapter.config);
  for (const [key, factor] of Object.entries(adapter.weights)) {
    expect(relativeDifference(again.weights[key]!, factor)).toBeLessThanOrEqual(tolerance);
  }
  expect(largestDifference(predict(again), predict(adapter))).toBeLessThanOrEqual(8 * tolerance);
});

test("names in kohya's layout are those of diffusers' converter", () => {
  const theirs = readSafetensors(here(FILES.kohya));
  const ours = readSafetensors(loraToKohyaSafetensors(load('kohya')));
  const shapes = ({ tensors }: typeof ours) =>
    [...tensors].map(([key, { dtype, shape }]) => [key, dtype, shape]).sort();
  expect(shapes(ours)).toEqual(shapes(theirs));
  const alphas = [...ours.tensors].filter(([key]) => key.endsWith('.alpha'));
  expect(new Set(alphas.map(([, alpha]) => toFloat32Array(alpha)[0]))).toEqual(new Set([3]));
});
