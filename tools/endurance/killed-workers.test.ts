import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SMALL_CONFIG } from './killed-run';
import { killWorkers } from './killed-workers';

test('a run of which a worker is killed ends with the weights of one left alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'workers-'));
  try {
    const config = join(folder, 'small.yaml');
    writeFileSync(config, `${SMALL_CONFIG}iterations: 4\ncheckpoint: {every: 2}\n`);
    const report = await killWorkers({ config, folder, workers: 2, kills: 1, seed: 3 });
    expect(report).toEqual({ killed: [1, 1], unequal: [], orphans: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 300_000);
