import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createWorkerLog } from './worker-log';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'worker-log-')), 'run');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

function beginRun(): void {
  mkdirSync(folder);
  for (const name of ['config.yaml', 'events.jsonl']) writeFileSync(join(folder, name), '{}\n');
}

test('is written from when the run has a folder, and makes none', () => {
  const log = createWorkerLog(folder, 1);
  log.write('early\n');
  expect(existsSync(folder)).toBe(false);
  beginRun();
  log.write('late\n');
  expect(readFileSync(join(folder, 'workers', '1.log'), 'utf8')).toBe('early\nlate\n');
  expect(log.takeKept()).toBe('');
});

test('of what could not be written the end is kept, and nothing is thrown', () => {
  const log = createWorkerLog(folder, 2);
  beginRun();
  writeFileSync(join(folder, 'workers'), 'a file');
  log.write('x'.repeat(5000));
  log.write('the end');
  const kept = log.takeKept();
  expect(kept).toHaveLength(4000);
  expect(kept.endsWith('the end')).toBe(true);
  expect(log.takeKept()).toBe('');
});
