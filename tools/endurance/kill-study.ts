/**
 * A study that is killed at random moments and begun again must end with the table of one that was left alone.
 *
 *   node -C @loop/source --import tsx tools/endurance/kill-study.ts [--kills 3] [--seed 0] [STUDY.yaml]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { killStudy, writeSmallStudy } from './killed-study';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '3' }, seed: { type: 'string', default: '0' } },
});
const folder = mkdtempSync(join(tmpdir(), 'study-'));
const study = positionals[0] ?? join(folder, 'small.yaml');
if (positionals.length === 0) writeSmallStudy(study, 2);
const report = await killStudy({
  ...{ study, folder, kills: Number(values.kills), seed: Number(values.seed) },
  onProgress: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
rmSync(folder, { recursive: true });
process.exitCode = report.equal && report.orphans === 0 ? 0 : 1;
