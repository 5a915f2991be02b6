import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { writeFolderAtomically } from './write-folder-atomically';

const FILES = new Map([
  ['index.json', Uint8Array.of(1, 2)],
  ['unet/weights.safetensors', Uint8Array.of(3)],
]);

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('writes all files, and makes folders on the way', async () => {
  const folder = join(base, 'models', 'merged');
  await writeFolderAtomically(`${folder}/`, FILES, {});
  expect(readdirSync(join(base, 'models'))).toEqual(['merged']);
  expect([...readFileSync(join(folder, 'index.json'))]).toEqual([1, 2]);
  expect([...readFileSync(join(folder, 'unet', 'weights.safetensors'))]).toEqual([3]);
});

test('takes no folder that exists, be it empty', async () => {
  mkdirSync(join(base, 'merged'));
  const written = writeFolderAtomically(join(base, 'merged'), FILES, {});
  await expect(written).rejects.toThrow(/exists already and is never overwritten/);
  expect(readdirSync(join(base, 'merged'))).toEqual([]);
});

test('a full disk leaves nothing behind, and is one sentence', async () => {
  let calls = 0;
  const write = (descriptor: number, bytes: Uint8Array, offset: number) => {
    if (calls++ === 0) return writeSync(descriptor, bytes, offset);
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
  };
  const written = writeFolderAtomically(join(base, 'merged'), FILES, { write });
  await expect(written).rejects.toThrow(UserError);
  expect(calls).toBe(2);
  expect(readdirSync(base)).toEqual([]);
});

test('an interruption leaves nothing behind', async () => {
  const controller = new AbortController();
  function* files() {
    yield* [...FILES].slice(0, 1);
    controller.abort();
    yield* [...FILES].slice(1);
  }
  const written = writeFolderAtomically(join(base, 'merged'), files(), {
    signal: controller.signal,
  });
  await expect(written).rejects.toThrow('abort');
  expect(readdirSync(base)).toEqual([]);
});
