/** From what a worker is to what is started. */
import { join } from 'node:path';

import type { WorkerSpec } from './cases';
import type { WorkerCommand } from './worker-process';

/**
 * @param bench the folder of the workers
 * @param python the interpreter; undefined where there is none
 * @returns undefined for a Python worker without Python
 */
export function workerCommand(
  { name, runtime, script, settings }: WorkerSpec,
  bench: string,
  python: string | undefined,
): WorkerCommand | undefined {
  const told = JSON.stringify(settings);
  switch (runtime) {
    case 'source': {
      const onSources = ['-C', '@loop/source', '--import', 'tsx'];
      const args = [...onSources, join(bench, 'workers', script), told];
      return { name, program: process.execPath, args };
    }
    case 'built':
      return { name, program: process.execPath, args: [join(bench, 'workers', script), told] };
    case 'python':
      if (python === undefined) return undefined;
      return { name, program: python, args: [join(bench, 'python', script), told] };
  }
}
