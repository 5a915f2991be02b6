import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loraFromSafetensors, mergeLoras } from '@loop-diffusion/diffusion-models';
import { float32Tensor, readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { captureOutput } from '../testing/captured-output';
import { largestDifference, loadPipeline, PIPELINE } from '../testing/fixtures';
import { runCommandLine } from './run-command-line';

const LORA = join(PIPELINE, '../lora-any-layer/pipeline');
const OTHER = join(PIPELINE, '../lora/a8/kohya/lora_kohya.safetensors');

let base: string;
let out: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  out = join(base, 'merged');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

async function merge(...argv: string[]) {
  const output = captureOutput();
  const code = await runCommandLine(['merge', '--model', PIPELINE, ...argv], { output });
  return { code, out: output.outText(), error: output.errorText() };
}

test('writes the model with adapters in its weights, and keeps no tensors', async () => {
  const { numTensors } = tf.memory();
  const argv = ['--lora', LORA, '--lora', `${OTHER}:-0.5`, '--out', out, '--json'];
  const { code, out: text } = await merge(...argv);
  expect(code).toBe(0);
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(JSON.parse(text)).toEqual({
    folder: out,
    loras: [
      { path: LORA, weight: 1 },
      { path: OTHER, weight: -0.5 },
    ],
  });
  expect(readdirSync(base)).toEqual(['merged']);

  const [original, written] = [await loadPipeline(), await loadPipeline(out)];
  const read = (file: string) =>
    loraFromSafetensors(new Uint8Array(readFileSync(file)), original.unet.weights);
  const expected = mergeLoras(original.unet.weights, [
    { adapter: read(join(LORA, 'pytorch_lora_weights.safetensors')), weight: 1 },
    { adapter: read(OTHER), weight: -0.5 },
  ]);
  for (const [key, weight] of Object.entries(expected)) {
    expect(largestDifference(written.unet.weights[key]!, weight)).toBe(0);
  }
  for (const [key, weight] of Object.entries(original.vae.weights)) {
    expect(largestDifference(written.vae.weights[key]!, weight)).toBe(0);
  }
});

test('--dtype f16 halves the files', async () => {
  expect((await merge('--lora', LORA, '--out', out, '--dtype', 'f16', '--quiet')).out).toBe('');
  const file = 'unet/diffusion_pytorch_model.safetensors';
  const [half, whole] = [out, PIPELINE].map((folder) => readFileSync(join(folder, file)).length);
  expect(half).toBeLessThan(0.6 * whole!);
});

test('writes no model that is not finite', async () => {
  const { tensors } = readSafetensors(readFileSync(OTHER));
  const [first] = [...tensors.keys()].filter((key) => key.endsWith('lora_up.weight'));
  const { shape } = tensors.get(first!)!;
  const values = new Float32Array(shape.reduce((a, b) => a * b)).fill(NaN);
  const broken = join(base, 'broken.safetensors');
  writeFileSync(
    broken,
    writeSafetensors(new Map(tensors).set(first!, float32Tensor(values, shape))),
  );
  const refused = await merge('--lora', broken, '--out', out);
  expect(refused.code).toBe(1);
  expect(refused.error).toContain(
    `The adapter '${broken}' cannot be used: The adapter holds NaN in`,
  );
  // Within float32, and beyond float16.
  const large = await merge('--lora', `${OTHER}:1e8`, '--out', out, '--dtype', 'f16');
  expect(large.code).toBe(1);
  expect(large.error).toMatch(
    /The merged model cannot be written: The weight ".*" holds .*, which float16 does not reach/,
  );
  expect(existsSync(out)).toBe(false);
});

test('says what it wrote', async () => {
  const { out: text } = await merge('--lora', `${LORA}:0.5`, '--out', out);
  expect(text).toBe(`Wrote ${out}: ${PIPELINE} + 0.5 × ${LORA}\n`);
});

test("puts another UNet in the place of the model's", async () => {
  const other = join(base, 'other');
  await merge('--lora', LORA, '--out', other);
  const { code, out: text } = await merge('--unet', other, '--out', out);
  expect(code).toBe(0);
  expect(text).toBe(`Wrote ${out}: ${PIPELINE} with the UNet of ${other}\n`);
  const [expected, written] = [await loadPipeline(other), await loadPipeline(out)];
  for (const part of ['unet', 'vae'] as const) {
    for (const [key, weight] of Object.entries(expected[part].weights)) {
      expect(largestDifference(written[part].weights[key]!, weight)).toBe(0);
    }
  }
});

test.each([
  ['no adapter', () => ['--out', out], 2, 'merge needs at least one --lora'],
  [
    'a file that is missing',
    () => ['--out', out, '--lora', join(base, 'a.safetensors')],
    1,
    'it does not exist',
  ],
  [
    'what is no adapter',
    () => ['--out', out, '--lora', join(PIPELINE, 'io.safetensors')],
    1,
    "io.safetensors' cannot be used: The adapter holds",
  ],
  ['a folder that is there', () => ['--out', base, '--lora', LORA], 1, 'never overwritten'],
  ['another type', () => ['--out', out, '--lora', LORA, '--dtype', 'int8'], 2, 'f32, f16'],
])('refuses %s and leaves nothing behind', async (_what, argv, expectedCode, message) => {
  const { code, error } = await merge(...argv());
  expect(code).toBe(expectedCode);
  expect(error).toContain(message);
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(base)).toEqual([]);
});

test('takes no folder that is there, even when it is empty', async () => {
  mkdirSync(out);
  expect((await merge('--lora', LORA, '--out', out)).code).toBe(1);
  expect(readdirSync(out)).toEqual([]);
});
