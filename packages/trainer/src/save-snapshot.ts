import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { PreparedRun } from './prepare-run';
import { saveAdapter } from './save-adapter';

/** Keeps the adapter as it is after this many iterations, in `checkpoints/step-N`, and drops the oldest beyond `keep`. */
export function saveSnapshot(run: PreparedRun, iterations: number): void {
  const folder = join(run.config.output, 'checkpoints');
  saveAdapter(run, join(folder, `step-${iterations}`));
  const steps = readdirSync(folder)
    .map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? Number.NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((first, second) => first - second);
  for (const step of steps.slice(0, -run.config.checkpoint.keep)) {
    rmSync(join(folder, `step-${step}`), { recursive: true });
  }
}
