/**
 * The figures of docs/results anew, from the runs that are stored there.
 *
 *   npm run results -- algorithms                    the report of docs/results/algorithms
 *   npm run results -- algorithms --store FOLDER     stores the runs of this study or search there first
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { runCommandLine } from '../check/command-lines';
import { workspaceRoot } from '../check/workspace';
import { restoreRuns, storeRuns } from './stored-runs';

const REPORTS = ['report.md', 'table.csv', 'curves.csv', 'curves.png', 'result.json'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { store: { type: 'string' } },
});
const [name] = positionals;
const place = join(workspaceRoot, 'docs/results', name ?? '');
const kind = ['study', 'search'].find((each) => existsSync(join(place, `${each}.yaml`)));
if (name === undefined || kind === undefined) {
  throw new Error('Name a folder of docs/results that has a study.yaml or a search.yaml.');
}
const stored = join(place, 'runs.json.br');
if (values.store !== undefined) {
  process.stdout.write(`${String(storeRuns(values.store, stored))} files in ${stored}\n`);
}
const folder = mkdtempSync(join(tmpdir(), 'results-'));
try {
  restoreRuns(stored, folder);
  process.chdir(workspaceRoot);
  const file = join('docs/results', name, `${kind}.yaml`);
  // Of a search all runs are done, so that only its report is left to be made.
  const report = kind === 'study' ? ['--report'] : [];
  process.exitCode = await runCommandLine([kind, file, '--out', folder, ...report]);
  if (process.exitCode === 0) {
    for (const each of REPORTS) {
      if (existsSync(join(folder, each))) copyFileSync(join(folder, each), join(place, each));
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
