/** A Python with what this project is compared with. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { run, type RunResult } from '../check/workspace';
import { cacheFolder } from './cache-folder';

export interface PythonOptions {
  /** A `requirements.txt`. */
  readonly requirements: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (text: string) => void;
}

/**
 * `LOOP_DIFFUSION_BENCH_PYTHON`, or an environment with the pinned packages in this user's cache, made when it is not there.
 *
 * @returns the interpreter's path
 * @throws an error whose message says in one line why there is none
 */
export async function pythonWithPackages(options: PythonOptions): Promise<string> {
  const own = options.environment['LOOP_DIFFUSION_BENCH_PYTHON'];
  if (own !== undefined && own !== '') return own;

  const folder = environmentFolder(options);
  const interpreter = (where: string) => join(where, 'bin', 'python');
  if (existsSync(interpreter(folder))) return interpreter(folder);

  // Under another name until it is whole: an interrupted installation is never taken for a finished one.
  const unfinished = `${folder}.${process.pid}`;
  options.onProgress(`making a Python environment in ${folder}, once (several minutes, some GB)`);
  try {
    mkdirSync(join(folder, '..'), { recursive: true });
    const python = options.environment['LOOP_DIFFUSION_PYTHON'] ?? 'python3';
    check('python -m venv', await run(python, ['-m', 'venv', unfinished]));
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement', options.requirements];
    check('pip install', await run(interpreter(unfinished), install));
    // The scripts in bin/ name the old folder, but only the interpreter is used, which does not.
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return interpreter(folder);
}

/** Where the environment lies: another one for other requirements. */
export function environmentFolder({
  requirements,
  environment,
}: Pick<PythonOptions, 'requirements' | 'environment'>): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  return join(cacheFolder(environment), 'bench-python', hash);
}

function check(step: string, { status, output }: RunResult): void {
  if (status === 0) return;
  const last = output.trim().split('\n').at(-1) ?? '';
  throw new Error(`${step} failed: ${last}`);
}
