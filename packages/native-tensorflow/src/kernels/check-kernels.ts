/** Holds the kernels of a build against TensorFlow before they are used, and writes down what came of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../errors';
import { ownProgram } from '../package-files';
import { run } from '../run-command';
import { instructionSets, kernelsFile, type InstructionSet } from './instruction-sets';
import { addToKernelRecord, type KernelState } from './kernel-record';

/**
 * Each set in a process of its own, which survives whatever happens.
 * @param supported the sets that this processor can run
 */
export async function checkKernels(folder: string, supported: readonly string[]): Promise<void> {
  const sets = instructionSets.filter(
    (set) => supported.includes(set.name) && existsSync(join(folder, kernelsFile(set))),
  );
  const found = await Promise.all(
    sets.map(async (set) => [set.name, await checkSet(folder, set)] as const),
  );
  try {
    await addToKernelRecord(folder, Object.fromEntries(found));
  } catch (error) {
    // Somebody else's cache, to be read only: it stays as it is.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
  }
}

async function checkSet(folder: string, set: InstructionSet): Promise<KernelState> {
  const result = await run(
    process.execPath,
    [...ownProgram('check-kernels-process'), folder, set.name],
    { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', NODE_OPTIONS: '' }, timeout: 600_000 },
  );
  if (result.code !== 0) {
    const lines = result.errors.split('\n').filter((line) => line.trim() !== '');
    const line = lines.find((text) => text.includes('Error')) ?? lines.at(-1);
    const why = line ?? result.signal ?? result.problem ?? 'it gave no reason';
    return { problem: `their check failed: ${why}` };
  }
  const problem = JSON.parse(result.output) as string | null;
  return problem === null ? 'works' : { problem };
}
