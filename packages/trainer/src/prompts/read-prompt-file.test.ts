import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { readPromptFile } from './read-prompt-file';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  path = join(folder, 'prompts.txt');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('one prompt a line, in any convention of line ends, blank lines left out', async () => {
  writeFileSync(path, '\uFEFFa red circle\r\n\n  two\tgreen squares  \rblau & größer\n\n');
  expect(await readPromptFile(path)).toEqual([
    'a red circle',
    'two\tgreen squares',
    'blau & größer',
  ]);
});

test('lines that begin with # are comments, and a backslash makes a prompt of them', async () => {
  writeFileSync(path, '# mine\na cat\n  # more\n\\#1 dad\n\\\\#x\n\\a\nC# code #2\n');
  expect(await readPromptFile(path)).toEqual(['a cat', '#1 dad', '\\#x', '\\a', 'C# code #2']);
});

test.each<[string, string | Uint8Array, RegExp]>([
  ['an empty file', '', /holds no prompt/],
  ['blank lines only', '\n \n\t\n', /holds no prompt/],
  ['comments only', '# a\n#b\n', /holds no prompt/],
  ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]), /not a text in UTF-8/],
  ['control characters', 'a\nb\u0000c\n', /control character in line 2/],
  ['an endless line', 'x'.repeat(10_001), /line 1/],
])('refuses %s', async (_, contents, message) => {
  writeFileSync(path, contents);
  await expect(readPromptFile(path)).rejects.toThrow(UserError);
  await expect(readPromptFile(path)).rejects.toThrow(message);
});

test('refuses a file that is too large, missing, or a folder', async () => {
  writeFileSync(path, '');
  truncateSync(path, 65 * 1024 ** 2);
  await expect(readPromptFile(path)).rejects.toThrow('at most 64 MiB');
  await expect(readPromptFile(join(folder, 'none.txt'))).rejects.toThrow('does not exist');
  await expect(readPromptFile(folder)).rejects.toThrow('not a file');
});
