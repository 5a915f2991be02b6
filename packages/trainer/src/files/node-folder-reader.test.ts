import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { nodeFolderReader } from './node-folder-reader';

let base: string;
let model: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  model = join(base, 'model');
  mkdirSync(join(model, 'unet'), { recursive: true });
  writeFileSync(join(model, 'model_index.json'), '{}');
  writeFileSync(join(model, 'unet', 'weights.safetensors'), new Uint8Array([1, 2, 3]));
  writeFileSync(join(base, 'secret.json'), 'secret');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('reads files of the folder', async () => {
  const reader = nodeFolderReader(model);
  expect(reader.name).toBe(model);
  expect(await reader.exists('unet/weights.safetensors')).toBe(true);
  expect(await reader.exists('unet')).toBe(false);
  expect(await reader.exists('vae/config.json')).toBe(false);
  expect(await reader.exists('model_index.json/x')).toBe(false);
  const bytes = await reader.read('unet/weights.safetensors');
  expect([...bytes]).toEqual([1, 2, 3]);
  expect(bytes.byteOffset).toBe(0);
});

test('reads parts of a file, until it becomes shorter', async () => {
  const file = await nodeFolderReader(model).open!('unet/weights.safetensors');
  expect(file.size).toBe(3);
  expect([...(await file.read(1, 3))]).toEqual([2, 3]);
  truncateSync(join(model, 'unet', 'weights.safetensors'), 2);
  await expect(file.read(1, 3)).rejects.toThrow('it became shorter while it was read');
  await file.close();
  await expect(nodeFolderReader(model).open!('../secret.json')).rejects.toThrow(UserError);
});

test('a missing file is named with its folder', async () => {
  await expect(nodeFolderReader(model).read('vae/config.json')).rejects.toThrow(
    `The model folder '${model}' has no file 'vae/config.json'`,
  );
});

test.each([
  '../secret.json',
  'unet/../../secret.json',
  '/etc/passwd',
  'C:\\secret.json',
  'unet\\..\\..\\secret.json',
  '..',
  '',
  'a\0b',
])('refuses the path %j', async (path) => {
  const reader = nodeFolderReader(model);
  await expect(reader.read(path)).rejects.toThrow(UserError);
  await expect(reader.exists(path)).rejects.toThrow(UserError);
});

test('refuses links that lead out of the folder, and takes links inside it', async () => {
  symlinkSync(join(base, 'secret.json'), join(model, 'config.json'));
  symlinkSync(base, join(model, 'text_encoder'));
  symlinkSync('model_index.json', join(model, 'alias.json'));
  symlinkSync('loop.json', join(model, 'loop.json'));
  const reader = nodeFolderReader(model);
  await expect(reader.read('config.json')).rejects.toThrow('leads out of the folder');
  await expect(reader.read('text_encoder/secret.json')).rejects.toThrow('leads out of the folder');
  await expect(reader.read('loop.json')).rejects.toThrow('symbolic links go in a circle');
  expect(new TextDecoder().decode(await reader.read('alias.json'))).toBe('{}');
});

test('the folder itself may be a link, and a neighbour with the same beginning is outside', async () => {
  symlinkSync(model, join(base, 'link'));
  mkdirSync(`${model}-other`);
  writeFileSync(join(`${model}-other`, 'x.json'), '{}');
  symlinkSync(join(`${model}-other`, 'x.json'), join(model, 'x.json'));
  const reader = nodeFolderReader(join(base, 'link'));
  expect(await reader.exists('model_index.json')).toBe(true);
  await expect(reader.read('x.json')).rejects.toThrow('leads out of the folder');
});

test('links may lead into a folder around it that is named, and no further', async () => {
  mkdirSync(join(base, 'repository', 'snapshot'), { recursive: true });
  mkdirSync(join(base, 'repository', 'blobs'));
  writeFileSync(join(base, 'repository', 'blobs', 'a'), '{}');
  const snapshot = join(base, 'repository', 'snapshot');
  symlinkSync('../blobs/a', join(snapshot, 'a.json'));
  symlinkSync('../../secret.json', join(snapshot, 'b.json'));
  const reader = nodeFolderReader(snapshot, { within: join(base, 'repository') });
  expect(await reader.exists('a.json')).toBe(true);
  await expect(reader.read('b.json')).rejects.toThrow('leads out of the folder');
  await expect(reader.read('../blobs/a')).rejects.toThrow(UserError);
  await expect(nodeFolderReader(snapshot).read('a.json')).rejects.toThrow('leads out');
});

test("a snapshot of the hub's cache is read by its path, and shares files with its repository alone", async () => {
  const repository = join(base, 'hub', 'models--owner--name');
  const snapshot = join(repository, 'snapshots', '0123456789abcdef0123456789abcdef01234567');
  mkdirSync(join(snapshot, 'unet'), { recursive: true });
  mkdirSync(join(repository, 'blobs'));
  writeFileSync(join(repository, 'blobs', 'a'), '{}');
  writeFileSync(join(base, 'hub', 'other.json'), 'secret');
  symlinkSync('../../blobs/a', join(snapshot, 'model_index.json'));
  symlinkSync('../../../blobs/a', join(snapshot, 'unet', 'config.json'));
  symlinkSync('../../../other.json', join(snapshot, 'other.json'));
  for (const path of [snapshot, `${snapshot}/`]) {
    expect(await nodeFolderReader(path).exists('model_index.json')).toBe(true);
    expect(await nodeFolderReader(path).exists('unet/config.json')).toBe(true);
  }
  expect(await nodeFolderReader(join(snapshot, 'unet')).exists('config.json')).toBe(true);
  await expect(nodeFolderReader(snapshot).read('other.json')).rejects.toThrow(
    /leads out of the folder; copy the file into it, or name a model of the hub as hf:owner\/name/,
  );
});

test('a configuration file may have 10 MiB, weights more', async () => {
  for (const name of ['config.json', 'unet/weights.safetensors']) {
    writeFileSync(join(model, name), '');
    truncateSync(join(model, name), 10 * 1024 ** 2 + 1);
  }
  const reader = nodeFolderReader(model);
  await expect(reader.read('config.json')).rejects.toThrow('at most 10 MiB');
  expect(await reader.read('unet/weights.safetensors')).toHaveLength(10 * 1024 ** 2 + 1);
});

test('refuses a folder that is missing or a file', () => {
  expect(() => nodeFolderReader(join(base, 'none'))).toThrow('does not exist');
  expect(() => nodeFolderReader(join(base, 'secret.json'))).toThrow('is a file');
});
