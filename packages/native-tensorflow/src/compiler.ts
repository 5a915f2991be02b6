/** The C++ compiler that builds the addons. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { NativeTensorflowError } from './errors';
import { run } from './run-command';

/** The C++ compiler: `$CXX`, or the first of the usual ones that answers. */
export async function findCompiler(): Promise<string> {
  const candidates = [process.env['CXX'], 'g++', 'c++', 'clang++'];
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    const result = await run(candidate, ['--version']);
    if (result.code === 0) return candidate;
  }
  throw new NativeTensorflowError(
    'compiler',
    'No C++ compiler was found (looked for $CXX, g++, c++ and clang++): install g++, for example with `apt-get install g++`.',
  );
}

/** Makes `output` by a call with these parameters. */
export async function compile(
  compiler: string,
  output: string,
  parameters: readonly string[],
): Promise<void> {
  const result = await run(compiler, [...parameters, '-o', output]);
  if (result.code === 0) return;
  throw new NativeTensorflowError(
    result.errors.includes('No space left') ? 'disk' : 'compiler',
    `${compiler} could not compile ${basename(output)}: ${firstError(result.errors)}`,
    { cause: new Error(result.errors) },
  );
}

function firstError(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? 'it gave no reason';
}

/** Runs the tasks, as many at once as there are cores; after one has failed no further one is begun. */
export async function onAllCores(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) await task();
  };
  const stop = (error: unknown): never => {
    waiting.length = 0;
    throw error;
  };
  const width = Math.min(availableParallelism(), tasks.length);
  await Promise.all(Array.from({ length: width }, () => work().catch(stop)));
}
