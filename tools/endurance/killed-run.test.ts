import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { killAndResume, SMALL_CONFIG } from './killed-run';

test('a run that is killed and resumed is the run that was left alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'endurance-'));
  try {
    const config = join(folder, 'config.yaml');
    writeFileSync(config, SMALL_CONFIG);
    const report = await killAndResume({ config, folder, iterations: 3, kills: 2, seed: 1 });
    expect(report).toMatchObject({ equal: true, duringCheckpoint: 1 });
    expect(report.kills).toBeGreaterThanOrEqual(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 300_000);
