import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test("who gives a lock back removes nobody else's", () => {
  const path = join(folder, 'run.lock');
  const release = lockRun(folder);
  rmSync(path);
  const other = lockRun(folder);
  release();
  expect(existsSync(path)).toBe(true);
  expect(() => lockRun(folder)).toThrow('is being worked on');
  other();
  release();
  expect(readdirSync(folder)).toEqual([]);
});

const PROGRAM = `
  const { lockRun } = require(process.argv[1]);
  process.stdin.once('data', () => {
    try {
      lockRun(process.argv[2]);
      process.stdout.write('held');
    } catch (error) {
      process.stdout.write(error.message);
    }
    setInterval(() => undefined, 1000);
  });
  process.stdout.write('ready');
`;

/** A process that takes the lock when it is told to, and holds it to its end. */
async function startContender() {
  const flags = ['-C', '@loop/source', '--import', 'tsx', '-e', PROGRAM];
  const module = join(__dirname, 'run-lock.ts');
  const child = spawn(process.execPath, [...flags, module, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answer = async () => String((await once(child.stdout, 'data'))[0]);
  expect(await answer()).toBe('ready');
  return {
    async take() {
      child.stdin.write('take\n');
      return answer();
    },
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('of several processes that find a lock left behind one takes it, and what -9 leaves is free', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leave({ host: hostname(), pid, started: '1' });
  const contenders = await Promise.all([1, 2, 3].map(startContender));
  const answers = await Promise.all(contenders.map(({ take }) => take()));
  expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
  const refusals = answers.filter((answer) => answer !== 'held');
  for (const refusal of refusals) expect(refusal).toContain('is being worked on by process');
  expect(() => lockRun(folder)).toThrow('is being worked on');
  await Promise.all(contenders.map(({ kill }) => kill()));
  expect(existsSync(join(folder, 'run.lock'))).toBe(true);
  const release = lockRun(folder);
  expect(JSON.parse(readFileSync(join(folder, 'run.lock'), 'utf8'))).toMatchObject({
    pid: process.pid,
  });
  release();
}, 60_000);

test('the lock of another machine is never taken over', () => {
  leave({ host: `not-${hostname()}`, pid: 1, started: null });
  expect(() => lockRun(folder)).toThrow(`process 1 on not-${hostname()}`);
});
