/**
 * One run straight, and the same run killed again and again and resumed: their adapters must be equal, byte for byte.
 *
 *   node -C @loop/source --import tsx tools/endurance/kill-and-resume.ts [--kills 50] [--iterations 120] [--seed 0] [CONFIG.yaml]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { killAndResume, SMALL_CONFIG } from './killed-run';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '50' },
    iterations: { type: 'string', default: '120' },
    seed: { type: 'string', default: '0' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'kill-and-resume-'));
try {
  let [config] = positionals;
  if (config === undefined) {
    config = join(folder, 'config.yaml');
    writeFileSync(config, SMALL_CONFIG);
  }
  const report = await killAndResume({
    config,
    iterations: Number(values.iterations),
    kills: Number(values.kills),
    seed: Number(values.seed),
    folder,
    onProgress: (text) => {
      console.error(text);
    },
  });
  console.log(JSON.stringify(report));
  process.exitCode = report.equal ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
