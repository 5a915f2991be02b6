import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { captureOutput } from '../testing/captured-output';
import { PIPELINE } from '../testing/fixtures';
import { runCommandLine } from './run-command-line';

const LORAS = join(PIPELINE, '../lora-any-layer');

let base: string;
let out: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  out = join(base, 'style.safetensors');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

async function convert(...argv: string[]) {
  const output = captureOutput();
  const code = await runCommandLine(['convert-lora', '--model', PIPELINE, ...argv], { output });
  return { code, out: output.outText(), error: output.errorText() };
}

test('there and back again', async () => {
  const { numTensors } = tf.memory();
  const first = await convert('--lora', join(LORAS, 'pipeline'), '--to', 'kohya', '--out', out);
  expect(first).toEqual({
    code: 0,
    out: `Wrote ${out}: 83 modules, rank 4, alpha 3, layout of kohya\n`,
    error: '',
  });
  const keys = [...readSafetensors(readFileSync(out)).tensors.keys()];
  expect(keys).toContain('lora_unet_mid_block_resnets_0_conv1.lora_down.weight');

  const back = join(base, 'back.safetensors');
  const second = await convert('--lora', out, '--to', 'diffusers', '--out', back, '--json');
  expect(JSON.parse(second.out)).toEqual({
    file: back,
    layout: 'diffusers',
    modules: 83,
    rank: 4,
    alpha: 3,
  });
  const again = join(base, 'again.safetensors');
  const argv = ['--lora', back, '--to', 'diffusers', '--out', again, '--quiet'];
  expect(await convert(...argv)).toEqual({ code: 0, out: '', error: '' });
  expect(Buffer.compare(readFileSync(again), readFileSync(back))).toBe(0);
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('leaves out the text encoder when it is told to', async () => {
  const known = readSafetensors(
    readFileSync(join(LORAS, '../lora/a8/kohya/lora_kohya.safetensors')),
  );
  const [alpha] = [...known.tensors].filter(([key]) => key.endsWith('.alpha'));
  const text = 'lora_te_text_model_encoder_layers_0_mlp_fc1.alpha';
  const whole = join(base, 'whole.safetensors');
  writeFileSync(whole, writeSafetensors([...known.tensors, [text, alpha![1]]]));
  const argv = ['--lora', whole, '--to', 'kohya', '--out', out];
  const refused = await convert(...argv);
  expect(refused.code).toBe(1);
  expect(refused.error).toContain("the UNet's part can be read alone (--unet-only");
  expect(await convert(...argv, '--unet-only', '--quiet')).toEqual({ code: 0, out: '', error: '' });
  const { tensors } = readSafetensors(readFileSync(out));
  expect([...tensors.keys()].sort()).toEqual([...known.tensors.keys()].sort());
});

test.each([
  ['another layout', ['--to', 'lycoris'], 'style.safetensors', 2, 'diffusers, kohya'],
  ['no layout', [], 'style.safetensors', 2, '--to'],
  ['another kind of file', ['--to', 'kohya'], 'style.ckpt', 2, 'must end with .safetensors'],
])('refuses %s', async (_what, argv, name, expectedCode, message) => {
  const file = join(base, name);
  const { code, error } = await convert('--lora', LORAS, '--out', file, ...argv);
  expect(code).toBe(expectedCode);
  expect(error).toContain(message);
  expect(readdirSync(base)).toEqual([]);
});

test('refuses an adapter of another model, and a file that is there', async () => {
  const lora = join(PIPELINE, '../lora-any-layer/pipeline');
  const other = join(PIPELINE, '../unet-sd1');
  const refused = await convert('--lora', other, '--to', 'kohya', '--out', out);
  expect(refused.error).toContain('holds no adapter');
  const wrong = join(PIPELINE, 'io.safetensors');
  expect((await convert('--lora', wrong, '--to', 'kohya', '--out', out)).error).toContain(
    "io.safetensors' cannot be used: The adapter holds",
  );
  expect(readdirSync(base)).toEqual([]);
  expect((await convert('--lora', lora, '--to', 'kohya', '--out', out)).code).toBe(0);
  const before = readFileSync(out);
  const again = await convert('--lora', lora, '--to', 'diffusers', '--out', out);
  expect(again.error).toContain('never overwritten');
  expect(Buffer.compare(readFileSync(out), before)).toBe(0);
});
