import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32Tensor, SafetensorsError, toFloat32Array, writeSafetensors } from '../index';
import { openSafetensorsFile } from './index';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
  path = join(folder, 'model.safetensors');
  const tensors = [
    ['a', float32Tensor(Float32Array.of(1, 2, 3), [3])],
    ['b', float32Tensor(Float32Array.of(4, 5), [1, 2])],
  ] as const;
  writeFileSync(path, writeSafetensors(tensors, { format: 'pt' }));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('reads tensors one by one, in any order', async () => {
  const file = await openSafetensorsFile(path);
  expect(file.metadata['format']).toBe('pt');
  expect([...file.tensors.keys()]).toEqual(['a', 'b']);
  expect([...toFloat32Array(await file.read('b'))]).toEqual([4, 5]);
  expect([...toFloat32Array(await file.read('a'))]).toEqual([1, 2, 3]);
  await expect(file.read('c')).rejects.toThrow(`'${path}': There is no tensor "c"`);
  await file.close();
  await expect(file.read('a')).rejects.toThrow();
});

test('names the file that is malformed, missing, or became shorter', async () => {
  const file = await openSafetensorsFile(path);
  truncateSync(path, 100);
  await expect(file.read('b')).rejects.toThrow(
    /model\.safetensors': .* could be read; the file is/,
  );
  await file.close();
  await expect(openSafetensorsFile(path)).rejects.toThrow(SafetensorsError);
  await expect(openSafetensorsFile(path)).rejects.toThrow(`'${path}': `);
  await expect(openSafetensorsFile(join(folder, 'none'))).rejects.toThrow('ENOENT');
});
