import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { resolveModel } from './resolve-model';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('takes a folder with model_index.json', async () => {
  writeFileSync(join(base, 'model_index.json'), '{"a": 1}');
  expect(await resolveModel(base).exists('model_index.json')).toBe(true);
});

test.each([
  ['model.bin', /pickled/],
  ['model.pt', /pickled/],
  ['model.ckpt', /pickled/],
  ['model.safetensors', /single weight file/],
  ['model.onnx', /is a file/],
])('refuses the file %s', (name, message) => {
  const path = join(base, name);
  writeFileSync(path, 'x');
  expect(() => resolveModel(path)).toThrow(UserError);
  expect(() => resolveModel(path)).toThrow(message);
});

test('refuses what does not exist, another kind of folder, and the hub', () => {
  expect(() => resolveModel(join(base, 'none'))).toThrow('does not exist');
  mkdirSync(join(base, 'pictures'));
  expect(() => resolveModel(join(base, 'pictures'))).toThrow('no model_index.json');
  expect(() => resolveModel('hf:owner/name@main')).toThrow('does not download');
});
