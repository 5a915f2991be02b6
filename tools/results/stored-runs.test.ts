import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

import { restoreRuns, storeRuns } from './stored-runs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'results-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('what reports are made from comes back, and nothing else', () => {
  const run = join(folder, 'study', 'runs', 'LOOP-k=2', 'seed-0');
  mkdirSync(join(run, 'checkpoints', 'step-1'), { recursive: true });
  writeFileSync(join(folder, 'study', 'search.json'), '{}');
  for (const name of [
    'config.yaml',
    'events.jsonl',
    'curves.png',
    'checkpoints/step-1/config.yaml',
  ]) {
    writeFileSync(join(run, name), `${name} – 1\n`);
  }
  const stored = join(folder, 'runs.json.br');
  expect(storeRuns(join(folder, 'study'), stored)).toBe(3);
  restoreRuns(stored, join(folder, 'again'));
  const again = join(folder, 'again', 'runs', 'LOOP-k=2', 'seed-0');
  expect(readFileSync(join(again, 'events.jsonl'), 'utf8')).toBe('events.jsonl – 1\n');
  expect(readFileSync(join(again, 'config.yaml'), 'utf8')).toBe('config.yaml – 1\n');
  expect(readFileSync(join(folder, 'again', 'search.json'), 'utf8')).toBe('{}');
  expect(existsSync(join(again, 'curves.png'))).toBe(false);
  expect(existsSync(join(again, 'checkpoints'))).toBe(false);
});

test('no file is put anywhere else', () => {
  const stored = join(folder, 'runs.json.br');
  writeFileSync(stored, brotliCompressSync(JSON.stringify({ '../outside': 'x' })));
  expect(() => {
    restoreRuns(stored, join(folder, 'inside'));
  }).toThrow("has a file outside of its folder: '../outside'");
});
