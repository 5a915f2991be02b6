/** A disk without room for a checkpoint is noticed before anything is learnt, and not at the first checkpoint. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { makeRunFolder, recordRun } from '../testing/tiny-run';
import { UserError } from '../user-error';
import type * as checkpointSize from './checkpoint-size';
import { runLoop } from './loop';

const mockCheck = jest.fn();
jest.mock('./checkpoint-size', () => ({
  ...jest.requireActual<typeof checkpointSize>('./checkpoint-size'),
  checkDiskSpace: (...given: unknown[]): unknown => mockCheck(...given),
}));

test('a run whose checkpoint does not fit does not begin', async () => {
  const folder = makeRunFolder();
  try {
    mockCheck.mockImplementation(() => {
      throw new UserError('The disk has no room');
    });
    const config = folder.configFor('run', ['iterations=1']);
    const recording = recordRun();
    const run = runLoop(config, recording, new AbortController().signal);
    await expect(run).rejects.toThrow('The disk has no room');
    expect(mockCheck).toHaveBeenCalledWith(expect.anything(), config.output, 0);
    expect([recording.evaluations, recording.iterations]).toEqual([[], []]);
    expect(existsSync(join(config.output, 'checkpoints'))).toBe(false);
  } finally {
    folder.remove();
  }
});
