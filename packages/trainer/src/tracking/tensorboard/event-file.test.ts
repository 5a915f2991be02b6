import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readEventFile } from '../../testing/read-event-file';
import { UserError } from '../../user-error';
import { scalarValue, summaryEvent } from './event';
import { makeEventFile } from './event-file';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('a file begins with its version, and is whole after every event', () => {
  const folder = join(base, 'run', 'tensorboard');
  const file = makeEventFile(folder, { seconds: 1_700_000_000.5 });
  const [name = ''] = readdirSync(folder);
  expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
  const path = join(folder, name);
  expect(readEventFile(path)).toEqual([
    { seconds: 1_700_000_000.5, step: 0, fileVersion: 'brain.Event:2', values: {} },
  ]);
  for (const step of [1, 2]) {
    file.append(summaryEvent(1_700_000_001, step, [scalarValue('loss', step / 2)]));
    expect(readEventFile(path)).toHaveLength(1 + step);
  }
  expect(readEventFile(path)[2]).toEqual({
    seconds: 1_700_000_001,
    step: 2,
    values: { loss: { scalar: 1 } },
  });
  file.close();
});

test('the file of a resumed run comes last and takes back the steps from there on', () => {
  // The clock stands still and then falls back.
  const times = [1_700_000_000, 1_700_000_000, 1_600_000_000];
  const newest = times.map((seconds) => {
    const earlier = seconds === times[0] ? undefined : 26;
    makeEventFile(base, { seconds, purgeFrom: earlier }).close();
    return readdirSync(base).sort().at(-1) ?? '';
  });
  expect(new Set(newest).size).toBe(3);
  expect([...newest].sort()).toEqual(newest);
  const [version, start] = readEventFile(join(base, newest[2] ?? ''));
  expect(version?.fileVersion).toBe('brain.Event:2');
  expect(start).toMatchObject({ step: 26, sessionStatus: 1 });
});

test('a folder that cannot be made is told in a sentence', () => {
  writeFileSync(join(base, 'file'), '');
  expect(() => makeEventFile(join(base, 'file'), { seconds: 1 })).toThrow(UserError);
});
