import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { lockDownload } from './download-lock';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  path = join(base, '.locks', 'models--o--n', 'abc.download');
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

test('one at a time, and nothing is left', async () => {
  const first = await lockDownload(path);
  expect(await lockDownload(path)).toBeUndefined();
  const other = await lockDownload(`${path}er`);
  expect(other).toBeDefined();
  await other?.release();
  await first?.release();
  expect(existsSync(path)).toBe(false);
  const second = await lockDownload(path);
  expect(second?.lost.aborted).toBe(false);
  await second?.release();
});

test('whose holder was killed is taken over, once it has been silent for long', async () => {
  const script =
    "require('proper-lockfile').lock(process.argv[1], { lockfilePath: process.argv[1], realpath: false }).then(() => process.stdout.write('held')); setInterval(() => {}, 1000)";
  mkdirSync(join(base, '.locks', 'models--o--n'), { recursive: true });
  const holder = spawn(process.execPath, ['-e', script, path], { cwd: __dirname });
  await once(holder.stdout, 'data');
  expect(await lockDownload(path)).toBeUndefined();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(existsSync(path)).toBe(true);
  expect(await lockDownload(path)).toBeUndefined();
  utimesSync(path, new Date(0), new Date(0));
  const mine = await lockDownload(path);
  expect(mine).toBeDefined();
  await mine?.release();
});

test('one that somebody took for left behind is told, and is not theirs to release', async () => {
  const mine = await lockDownload(path, 2000);
  const lost = new Promise((resolve) => mine?.lost.addEventListener('abort', resolve));
  utimesSync(path, new Date(0), new Date(0));
  const theirs = await lockDownload(path, 2000);
  expect(theirs).toBeDefined();
  await lost;
  await mine?.release();
  expect(existsSync(path)).toBe(true);
  await theirs?.release();
});

test('where no folder can be made the reason is the system’s', async () => {
  writeFileSync(join(base, 'file'), '');
  const refused = lockDownload(join(base, 'file', 'models--o--n', 'abc.download'));
  await expect(refused).rejects.toMatchObject({ code: 'ENOTDIR' });
});
