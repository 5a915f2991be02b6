import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseLoraArgument } from './lora-argument';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each([
  ['a.safetensors', 'a.safetensors', 1],
  ['a.safetensors:0.8', 'a.safetensors', 0.8],
  ['runs/a:-1e-1', 'runs/a', -0.1],
  ['hf:owner/name', 'hf:owner/name', 1],
  ['hf:owner/name:2', 'hf:owner/name', 2],
  ['C:\\loras\\a.safetensors', 'C:\\loras\\a.safetensors', 1],
  ['C:\\loras\\a.safetensors:0.5', 'C:\\loras\\a.safetensors', 0.5],
])('%s', (text, path, weight) => {
  expect(parseLoraArgument(text)).toEqual({ path, weight });
});

test('a colon may belong to the name', () => {
  const path = join(folder, 'style:2');
  writeFileSync(path, '');
  expect(parseLoraArgument(path)).toEqual({ path, weight: 1 });
  expect(parseLoraArgument(`${path}:3`)).toEqual({ path, weight: 3 });
});

test.each(['', 'x', '1,5', 'Infinity'])('refuses the weight %j', (weight) => {
  const path = join(folder, 'a.safetensors');
  writeFileSync(path, '');
  expect(() => parseLoraArgument(`${path}:${weight}`)).toThrow('must be a number after the colon');
});
