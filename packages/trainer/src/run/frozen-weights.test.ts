/** Runs whose frozen weights are kept as bfloat16. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isStoredAsBfloat16 } from '@loop-diffusion/native-tensorflow';
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { PIPELINE } from '../testing/fixtures';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { ADAPTER_FILE } from '../weights/adapter-file';
import { openModel } from '../weights/open-model';
import { runLoop } from './loop';

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
});

const asBfloat16 = { memory: { frozenWeights: 'bfloat16' } };
const forever = new AbortController().signal;

/** To the nearest of 8 bits, to the even one halfway: the upper half of float32's. */
function rounded(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return new Float32Array(
    bits.map((each) => (each + 0x7fff + ((each >>> 16) & 1)) & 0xffff0000).buffer,
  );
}

/** The pipeline with the weights of its linear layers and convolutions, but for the autoencoder's, rounded in float32. */
function writeRounded(model: string): string {
  cpSync(PIPELINE, model, { recursive: true });
  for (const name of [
    'unet/diffusion_pytorch_model.safetensors',
    'text_encoder/model.safetensors',
  ]) {
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(model, name))));
    const changed = [...tensors].map(([key, tensor]) => {
      const isLayer = tensor.shape.length > 1 && !key.includes('embedding');
      const values = toFloat32Array(tensor);
      return [key, float32Tensor(isLayer ? rounded(values) : values, tensor.shape)] as const;
    });
    writeFileSync(join(model, name), writeSafetensors(changed));
  }
  return model;
}

test.each([
  ['kept whole for the gradient', []],
  ['run again for it', ['gradientCheckpointing=true', 'algorithm.klWeight=0.1']],
])('a run is that of the rounded weights, to the bit; layers %s', async (_, settings) => {
  const model = writeRounded(join(folder.configFor('model').output));
  const expected = recordRun();
  const float32 = folder.configFor('float32', settings, { model });
  await runLoop(float32, expected, forever);
  const actual = recordRun();
  const narrow = folder.configFor('bfloat16', settings, asBfloat16);
  const { numTensors } = tf.memory();
  await runLoop(narrow, actual, forever);
  expect(tf.memory().numTensors).toBe(numTensors);
  const file = join('adapter', ADAPTER_FILE);
  const [before, after] = [float32, narrow].map(({ output }) => readFileSync(join(output, file)));
  expect(after!.equals(before!)).toBe(true);
  expect(actual.iterations.map(({ reward }) => reward)).toEqual(
    expected.iterations.map(({ reward }) => reward),
  );
});

test('layers alone are kept so, and those of the autoencoder are not', async () => {
  const { model, dispose } = await openModel({ model: PIPELINE, frozenWeights: 'bfloat16' });
  try {
    const kept = (weights: Readonly<Record<string, tf.Tensor>>) =>
      Object.entries(weights)
        .filter(([, weight]) => isStoredAsBfloat16(weight))
        .map(([key]) => key);
    const keys = kept(model.unet.weights);
    expect(keys).toContain('conv_in.weight');
    expect(keys).toContain('mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight');
    expect(keys.filter((key) => /norm|bias|embedding/.test(key))).toEqual([]);
    expect(kept(model.textEncoder.weights).filter((key) => key.includes('embedding'))).toEqual([]);
    expect(kept(model.textEncoder.weights)).not.toEqual([]);
    expect(kept(model.vae.weights)).toEqual([]);
  } finally {
    dispose();
  }
});

test('is refused where all weights are trained', () => {
  expect(() => folder.configFor('run', [], { ...asBfloat16, lora: null })).toThrow(
    'with lora: null no weight of the UNet is frozen',
  );
});
