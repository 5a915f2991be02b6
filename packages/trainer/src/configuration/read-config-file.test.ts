import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { readConfigFile } from './read-config-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function read(contents: string | Uint8Array): Promise<unknown> {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, contents);
  return readConfigFile(path);
}

test('reads YAML, and an empty file as nothing', async () => {
  expect(await read('seed: 3\nbatch: {prompts: 2}\n')).toEqual({ seed: 3, batch: { prompts: 2 } });
  expect(await read('# nothing\n')).toBeNull();
});

test('a section without a word in it is left out, and null is what is written', async () => {
  const file = 'lora:\n  # rank: 4\nbatch:\ntracking:\n  mlflow:\nalgorithm:\n  timesteps:\n';
  expect(await read(file)).toEqual({ tracking: {}, algorithm: {} });
  expect(await read('lora: null\nseed:\n')).toEqual({ lora: null, seed: null });
  expect(await read('lora: ~\nbatch: ""\n')).toEqual({ lora: null, batch: '' });
});

test.each<[string, string | Uint8Array, RegExp]>([
  ['a syntax error', 'seed: 3\nbatch: {prompts: 2\n', /not valid YAML at line [23]/],
  ['a key twice', 'seed: 3\nseed: 4\n', /line 2/],
  ['an unknown alias', 'seed: *other\n', /not valid YAML|not a valid configuration/],
  ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00]), /not a text in UTF-8/],
  ['a file that is too large', '#'.repeat(1024 * 1024 + 1), /at most 1.0 MiB/],
])('refuses %s', async (_, contents, message) => {
  await expect(read(contents)).rejects.toThrow(UserError);
  await expect(read(contents)).rejects.toThrow(message);
});

test('refuses aliases that grow without end', async () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const name = String(level + 1);
    return `a${name}: &a${name} [${Array<string>(9)
      .fill(`*a${String(level)}`)
      .join(',')}]`;
  });
  await expect(read(['a0: &a0 [x]', ...levels].join('\n'))).rejects.toThrow(UserError);
});

test('names a file that does not exist, and a folder', async () => {
  await expect(readConfigFile(join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml.*not exist/);
  await expect(readConfigFile(folder)).rejects.toThrow(/not a file|folder/);
});
