import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exampleEvents, writeExampleRun } from '../testing/write-example-run';
import { UserError } from '../user-error';
import { readRun } from './read-run';

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  folder = join(base, 'run');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('reads a run that has ended', async () => {
  writeExampleRun(folder, { iterations: 3, overrides: ['algorithm.k=8'] });
  const run = await readRun(folder);
  expect(run.config).toMatchObject({ algorithm: { k: 8 } });
  expect(run.history.iterations).toHaveLength(3);
  expect(run.history.evaluations.map(({ iteration }) => iteration)).toEqual([0, 0, 3]);
  expect(run.summary).toEqual({ seconds: { rollout: 225, update: 390 }, interrupted: false });
});

test('a run that goes on, also one that was resumed after its end, has no summary', async () => {
  writeExampleRun(folder, { events: exampleEvents(3).slice(0, -1) });
  expect((await readRun(folder)).summary).toBeUndefined();
  writeExampleRun(folder, { events: [...exampleEvents(3), { event: 'resume', iteration: 3 }] });
  expect((await readRun(folder)).summary).toBeUndefined();
});

test.each<[string, () => void, string]>([
  ['nothing', () => undefined, 'does not exist'],
  ['a file', () => writeFileSync(folder, ''), 'is a file; the folder of a run was expected'],
  ['an empty folder', () => mkdirSync(folder), 'is not the folder of a run'],
  [
    'a folder without a configuration',
    () => {
      writeExampleRun(folder);
      rmSync(join(folder, 'config.yaml'));
    },
    'is not the folder of a run',
  ],
  [
    'a run that has only begun',
    () => writeExampleRun(folder, { events: [{ event: 'start' }] }),
    'has recorded neither an iteration nor an evaluation',
  ],
  [
    'a damaged line',
    () => writeExampleRun(folder, { events: [{ event: 'iteration', iteration: 1 }] }),
    'is damaged in line 1',
  ],
  [
    'a damaged configuration',
    () => {
      writeExampleRun(folder);
      writeFileSync(join(folder, 'config.yaml'), '[1, 2]');
    },
    'is not a configuration of keys and values',
  ],
])('%s is one sentence', async (_, make, message) => {
  make();
  await expect(readRun(folder)).rejects.toThrow(UserError);
  await expect(readRun(folder)).rejects.toThrow(message);
});
