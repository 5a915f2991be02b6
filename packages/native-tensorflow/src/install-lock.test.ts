import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withInstallLock } from './install-lock';

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  lock = join(folder, 'lock');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const noProcess = 2 ** 22 + 1; // above Linux's largest process id
const anHourAgo = new Date(Date.now() - 3_600_000);

it.each([
  ['whose process is gone', { host: hostname(), pid: noProcess }, new Date()],
  ['of another machine, not renewed', { host: 'elsewhere', pid: 1 }, anHourAgo],
  ['with a process id that went to somebody else', { host: hostname(), pid: 1 }, anHourAgo],
  ['that was never written out', null, anHourAgo],
])('a lock %s is taken over', async (_name, owner, renewed) => {
  writeFileSync(lock, owner === null ? '' : JSON.stringify(owner));
  utimesSync(lock, renewed, renewed);
  const onWait = jest.fn();
  await expect(withInstallLock(lock, onWait, () => Promise.resolve('done'))).resolves.toBe('done');
  expect(onWait).not.toHaveBeenCalled();
  expect(existsSync(lock)).toBe(false);
});

it.each([
  ['of a running process', { host: hostname(), pid: process.pid }],
  ['of another machine', { host: 'elsewhere', pid: 1 }],
])('a lock %s is waited for, and said so once', async (_name, owner) => {
  writeFileSync(lock, JSON.stringify(owner));
  const onWait = jest.fn();
  let ran = false;
  const waiting = withInstallLock(lock, onWait, () => {
    ran = true;
    return Promise.resolve();
  });
  await sleep(600);
  expect(ran).toBe(false);
  expect(onWait).toHaveBeenCalledTimes(1);
  rmSync(lock);
  await waiting;
  expect(ran).toBe(true);
});

it('a failure releases the lock', async () => {
  const failing = withInstallLock(lock, jest.fn(), () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(existsSync(lock)).toBe(false);
});
