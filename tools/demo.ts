/**
 * The demonstration: fine-tunes the embedded model by demo.yaml, into the first free of runs/demo, runs/demo-2, …
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
  ...['train', 'tools/demo.yaml', '--set', `output=${firstFreeFolder()}`],
  ...process.argv.slice(2),
]);
