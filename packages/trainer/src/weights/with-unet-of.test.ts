import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FileReader } from '@loop-diffusion/diffusion-models';

import { nodeFolderReader } from '../files/node-folder-reader';
import { PIPELINE } from '../testing/fixtures';
import { readAdapterFile } from './read-adapter-file';
import { withUNetOf } from './with-unet-of';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const model = nodeFolderReader(PIPELINE);
const text = async (reader: FileReader, path: string) =>
  new TextDecoder().decode(await reader.read(path));

test.each(['run/unet', 'run'])('the UNet comes from %s, all else from the model', async (where) => {
  const unet = where.endsWith('unet') ? where : join(where, 'unet');
  mkdirSync(join(folder, unet), { recursive: true });
  writeFileSync(join(folder, unet, 'config.json'), '"own"');
  const both = withUNetOf(model, join(folder, where));
  expect(await text(both, 'unet/config.json')).toBe('"own"');
  expect(await both.exists('unet/diffusion_pytorch_model.safetensors')).toBe(false);
  expect(await text(both, 'vae/config.json')).toBe(await text(model, 'vae/config.json'));
  const file = await both.open!('unet/config.json');
  expect(file.size).toBe(5);
  await file.close();
  expect(both.name).toContain(join(folder, where));
});

test('without one the model is as it is', () => {
  expect(withUNetOf(model, undefined)).toBe(model);
});

test('what holds no UNet is refused with what it is for', () => {
  expect(() => withUNetOf(model, folder)).toThrow('holds no UNet (unet/config.json)');
  writeFileSync(join(folder, 'pytorch_lora_weights.safetensors'), '');
  expect(() => withUNetOf(model, folder)).toThrow('pass it as --lora');
});

test('what holds a UNet is no adapter', async () => {
  cpSync(join(PIPELINE, 'unet'), join(folder, 'unet'), { recursive: true });
  const refusal = /trained all weights of the UNet.*--unet/;
  await expect(readAdapterFile(folder)).rejects.toThrow(refusal);
  await expect(readAdapterFile(join(folder, 'unet'))).rejects.toThrow(refusal);
  const checkpoint = join(folder, 'checkpoints', 'step-1');
  mkdirSync(checkpoint, { recursive: true });
  writeFileSync(join(checkpoint, 'unet.safetensors'), '');
  await expect(readAdapterFile(checkpoint)).rejects.toThrow(refusal);
});
