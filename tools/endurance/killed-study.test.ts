import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { killStudy, writeSmallStudy } from './killed-study';

test('a study that is killed and begun again ends with the table of one left alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'study-'));
  try {
    const study = join(folder, 'small.yaml');
    writeSmallStudy(study, 1);
    const report = await killStudy({ study, folder, kills: 2, seed: 1 });
    expect(report).toEqual({ kills: 2, equal: true, orphans: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 300_000);
