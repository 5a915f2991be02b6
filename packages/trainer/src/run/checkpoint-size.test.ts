import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checkCheckpointSize, checkDiskSpace } from './checkpoint-size';

test('refuses at once what no checkpoint could hold', () => {
  expect(() => {
    checkCheckpointSize(268_000_000);
  }).not.toThrow();
  // Stable Diffusion 1's.
  expect(() => {
    checkCheckpointSize(859_520_964);
  }).toThrow('this UNet has 860 million weights, and a checkpoint holds their moments up to 268');
});

describe('a disk', () => {
  const missing = join(tmpdir(), 'no-such-folder', 'run');

  test('that holds no checkpoint with its result is refused at the start', () => {
    const asked: string[] = [];
    const free = (bytes: number) => (folder: string) => {
      asked.push(folder);
      return bytes;
    };
    // The weights, two moments of each and the result, of 4 bytes a number.
    checkDiskSpace([{ size: 900_000 }, { size: 100_000 }], missing, 0, free(16e6));
    expect(() => {
      checkDiskSpace([{ size: 900_000 }, { size: 100_000 }], missing, 0, free(15.9e6));
    }).toThrow(
      `The disk of '${missing}' has 15.9 MB free, but a checkpoint of this run with its result takes 16.0 MB; free some`,
    );
    // The run's folder is not there yet.
    expect(asked).toEqual([tmpdir(), tmpdir()]);
  });

  test('is asked of the system, which may not know', () => {
    expect(() => {
      checkDiskSpace([{ size: 1e18 }], missing);
    }).toThrow('MB free');
    checkDiskSpace([{ size: 1e18 }], missing, 0, () => undefined);
  });
});
