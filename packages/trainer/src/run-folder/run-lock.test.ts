import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { lockRun } from './run-lock';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const leave = (holder: unknown) => {
  writeFileSync(join(folder, 'run.lock'), JSON.stringify(holder));
};

test('one holder at a time', () => {
  const release = lockRun(folder);
  expect(() => lockRun(folder)).toThrow(`worked on by process ${process.pid}`);
  release();
  lockRun(folder)();
  expect(existsSync(join(folder, 'run.lock'))).toBe(false);
});

test('the lock of a process that was killed is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leave({ host: hostname(), pid, started: '1' });
  lockRun(folder)();
  writeFileSync(join(folder, 'run.lock'), '');
  lockRun(folder)();
  if (process.platform === 'linux') {
    // Its number has gone to somebody else: this process.
    leave({ host: hostname(), pid: process.pid, started: '1' });
    lockRun(folder)();
  }
});

test('of another machine nothing is known', () => {
  leave({ host: `not-${hostname()}`, pid: 1, started: null });
  expect(() => lockRun(folder)).toThrow(`process 1 on not-${hostname()}`);
});
