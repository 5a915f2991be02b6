/**
 * A run of several workers of which one is killed at a random moment must end with the weights of one that was left alone.
 *
 *   node -C @loop/source --import tsx tools/endurance/kill-workers.ts [--workers 3] [--kills 20] [--seed 0] [CONFIG.yaml]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { SMALL_CONFIG } from './killed-run';
import { killWorkers } from './killed-workers';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '3' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '0' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'workers-'));
const config = positionals[0] ?? join(folder, 'small.yaml');
if (positionals.length === 0) {
  writeFileSync(config, `${SMALL_CONFIG}iterations: 8\ncheckpoint: {every: 2}\n`);
}
const report = await killWorkers({
  ...{ config, folder, workers: Number(values.workers) },
  ...{ kills: Number(values.kills), seed: Number(values.seed) },
  onProgress: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
rmSync(folder, { recursive: true });
process.exitCode = report.unequal.length === 0 && report.orphans === 0 ? 0 : 1;
