/**
 * What is known of the kernels of an installed build: a file beside the manifest, since caches are shared by machines whose
 * processors can check different sets, and each adds what it has found.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instructionSets, type InstructionSet, type InstructionSetName } from './instruction-sets';

/** Not in the manifest: it may change once a build is installed. */
export const kernelRecordFile = 'kernels.json';

/** `works`, or why it does not, as a sentence. */
export type KernelState = 'works' | { readonly problem: string };

/** Of the sets that were looked at; another one was compiled, but not checked by any processor. */
export type KernelRecord = Readonly<Partial<Record<InstructionSetName, KernelState>>>;

export async function readKernelRecord(folder: string): Promise<KernelRecord> {
  let record: unknown;
  try {
    record = JSON.parse(await readFile(join(folder, kernelRecordFile), 'utf8'));
  } catch {
    return {};
  }
  if (typeof record !== 'object' || record === null) return {};
  const known = instructionSets.flatMap(({ name }) => {
    const state = (record as Record<string, unknown>)[name];
    return isState(state) ? [[name, state] as const] : [];
  });
  return Object.fromEntries(known);
}

function isState(value: unknown): value is KernelState {
  if (value === 'works') return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    'problem' in value &&
    typeof value.problem === 'string'
  );
}

/** What is wrong, a sentence for each set of which something is. */
export async function kernelProblems(folder: string): Promise<string[]> {
  const record = await readKernelRecord(folder);
  return instructionSets.flatMap((set) => problemOfSet(set, record[set.name]) ?? []);
}

export function problemOfSet(
  { title }: InstructionSet,
  state: KernelState | undefined,
): string | undefined {
  if (state === undefined || state === 'works') return undefined;
  return `The kernels for ${title} are not used: ${state.problem}`;
}

/** Adds to what the file says; others who read it see the old one or the new one. */
export async function addToKernelRecord(folder: string, found: KernelRecord): Promise<void> {
  const before = await readKernelRecord(folder);
  const after = { ...before, ...found };
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  const path = join(folder, kernelRecordFile);
  const aside = `${path}.${process.pid.toString()}`;
  try {
    await writeFile(aside, `${JSON.stringify(after, null, 2)}\n`);
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}
