import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { workspaceRoot } from '../check/workspace';
import { runCase, type RunnableCase } from './run-case';
import { parseReport } from './worker-process';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-bench-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function caseOf(modes: Readonly<Record<string, string>>, log: string, measuresStart = false) {
  const script = join(workspaceRoot, 'tools', 'bench', 'testing', 'fake-worker.mjs');
  const commands = Object.entries(modes).map(([name, mode]) => ({
    name,
    program: process.execPath,
    args: [script, JSON.stringify({ name, mode, log: join(folder, log) })],
  }));
  const about = { name: 'fake', title: 'Fake', group: 'quick', comparisons: [] } as const;
  return { ...about, commands, measuresStart } satisfies RunnableCase;
}

test('the workers take turns, and the first round is not kept', async () => {
  const result = await runCase(caseOf({ A: 'good', B: 'good' }, 'turns'), { rounds: 2, folder });
  expect(result.failure).toBeUndefined();
  expect(readFileSync(join(folder, 'turns'), 'utf8')).toBe('A B A B A B ');
  expect(result.workers).toMatchObject([
    {
      name: 'A',
      versions: { fake: '1' },
      onPolicyDeviation: 1e-6,
      repetitions: [
        { seconds: { total: 2 }, peakMegabytes: 12 },
        { seconds: { total: 3 }, peakMegabytes: 13 },
      ],
    },
    { name: 'B' },
  ]);
});

test('rivals that do not fit into memory together come one after the other', async () => {
  const modes = { A: 'good', B: 'good', C: 'good' };
  const fitting = { rounds: 1, folder, freeGigabytes: 12 };
  await runCase({ ...caseOf(modes, 'together'), gigabytesEach: 4 }, fitting);
  expect(readFileSync(join(folder, 'together'), 'utf8')).toBe('A B C A B C ');

  const short = { ...fitting, freeGigabytes: 11 };
  const { workers } = await runCase({ ...caseOf(modes, 'heats'), gigabytesEach: 4 }, short);
  expect(readFileSync(join(folder, 'heats'), 'utf8')).toBe('A B A B A C A C ');
  expect(workers).toMatchObject([
    { name: 'A', onPolicyDeviation: 1e-6, repetitions: [{ round: 1 }, { round: 2 }] },
    { name: 'B', repetitions: [{ round: 1 }] },
    { name: 'C', repetitions: [{ round: 2 }] },
  ]);

  // Ours and one rival are the least that a comparison takes.
  await runCase(
    { ...caseOf({ A: 'good', B: 'good' }, 'pair'), gigabytesEach: 4 },
    { ...short, freeGigabytes: 1 },
  );
  expect(readFileSync(join(folder, 'pair'), 'utf8')).toBe('A B A B ');
});

test('where starts are measured, each repetition is a process of its own', async () => {
  const result = await runCase(caseOf({ A: 'good' }, 'starts', true), { rounds: 2, folder });
  const [worker] = result.workers;
  expect(worker?.repetitions).toHaveLength(2);
  for (const { seconds, peakMegabytes } of worker?.repetitions ?? []) {
    expect(seconds['total']).toBeGreaterThan(0);
    expect(peakMegabytes).toBe(10);
  }
});

test.each([
  ['fails at start', 'B ended with status 1: RangeError: the model is missing'],
  ['fails at work', 'B ended with status 3: ValueError: out of numbers'],
  ['off policy', 'B learns with another policy than it sampled with: |ratio − 1| reaches 0.02'],
])('a worker that %s is one line, and the case has no numbers', async (mode, line) => {
  const result = await runCase(caseOf({ A: 'good', B: mode }, 'failing'), { rounds: 1, folder });
  expect(result.failure).toContain(line);
  expect(result.failure).not.toContain('\n');
  expect(result.workers).toEqual([]);
});

test('what a case needs is there before its workers start, or the case fails', async () => {
  const prepare = jest.fn(async () => undefined);
  const prepared = await runCase(
    { ...caseOf({ A: 'good' }, 'prepared'), prepare },
    { rounds: 1, folder },
  );
  expect(prepare).toHaveBeenCalledTimes(1);
  expect(prepared).toMatchObject({ name: 'fake', workers: [{ name: 'A' }] });
  expect(prepared).not.toHaveProperty('prepare');

  const failing = { prepare: () => Promise.reject(new Error('the disk is full')) };
  const failed = await runCase(
    { ...caseOf({ A: 'good' }, 'unstarted'), ...failing },
    { rounds: 1, folder },
  );
  expect(failed).toMatchObject({ failure: 'the disk is full', workers: [] });
  expect(existsSync(join(folder, 'unstarted'))).toBe(false);
});

test('a program that is not there is a failure too', async () => {
  const missing = { name: 'A', program: join(folder, 'nothing'), args: [] };
  const result = await runCase({ ...caseOf({}, ''), commands: [missing] }, { rounds: 1, folder });
  expect(result.failure).toContain('A cannot be started');
});

test.each([
  ['{"ready": true, "versions": {}}', { ready: true, versions: {} }],
  ['{"seconds": {"total": 1}}', { seconds: { total: 1 } }],
  ['Loading pipeline components...', undefined],
  ['{"other": 1}', undefined],
  ['null', undefined],
  ['3', undefined],
])('of what a worker prints, %s', (line, report) => {
  expect(parseReport(line)).toEqual(report);
});
