/**
 * The demonstration: fine-tunes the embedded model with the defaults, but fewer iterations so that it ends within a quarter of an
 * hour on 2 cores, into the first free of runs/demo, runs/demo-2, …
 * More flags of `loop-diffusion train` may follow: `npm run demo -- --set seed=1`.
 */
import { existsSync } from 'node:fs';

import { runCommandLine } from './check/command-lines';

function firstFreeFolder(): string {
  for (let number = 1; ; number++) {
    const folder = number === 1 ? 'runs/demo' : `runs/demo-${number}`;
    if (!existsSync(folder)) return folder;
  }
}

process.exitCode = await runCommandLine([
  ...['train', '--set', `output=${firstFreeFolder()}`, '--set', 'iterations=100'],
  ...process.argv.slice(2),
]);
