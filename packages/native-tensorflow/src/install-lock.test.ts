import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

it('a lock that nobody renews is taken over', async () => {
  mkdirSync(lock);
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, aMinuteAgo, aMinuteAgo);
  const onWait = jest.fn();
  await expect(withInstallLock(lock, onWait, () => Promise.resolve('done'))).resolves.toBe('done');
  expect(onWait).not.toHaveBeenCalled();
  expect(existsSync(lock)).toBe(false);
});

it('a lock that is renewed is waited for, and said so once', async () => {
  mkdirSync(lock);
  const onWait = jest.fn();
  let ran = false;
  const waiting = withInstallLock(lock, onWait, () => {
    ran = true;
    return Promise.resolve();
  });
  await sleep(600);
  expect(ran).toBe(false);
  expect(onWait).toHaveBeenCalledTimes(1);
  rmdirSync(lock);
  await waiting;
  expect(ran).toBe(true);
});

it('in one process too, one comes after the other', async () => {
  const events: string[] = [];
  const hold = (name: string) =>
    withInstallLock(lock, jest.fn(), async () => {
      events.push(`${name} begins`);
      await sleep(20);
      events.push(`${name} ends`);
    });
  await Promise.all([hold('a'), hold('b')]);
  expect(events.map((event) => event.slice(2))).toEqual(['begins', 'ends', 'begins', 'ends']);
});

it('a lock that is lost meanwhile harms nothing', async () => {
  const work = async () => {
    rmdirSync(lock);
    return 'done';
  };
  await expect(withInstallLock(lock, jest.fn(), work)).resolves.toBe('done');
});

it('a failure releases the lock', async () => {
  const failing = withInstallLock(lock, jest.fn(), () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(existsSync(lock)).toBe(false);
});

it('a folder that is not there is an error and no endless wait', async () => {
  rmSync(folder, { recursive: true });
  await expect(withInstallLock(lock, jest.fn(), () => Promise.resolve())).rejects.toMatchObject({
    code: 'ENOENT',
  });
  mkdirSync(folder);
});
