/** Builds the kernels (native/kernels), once for each instruction set. */
import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compile, onAllCores } from '../compiler';
import { NativeTensorflowError } from '../errors';
import { nativeSource } from '../package-files';
import { instructionSets, kernelsFile, type InstructionSet } from './instruction-sets';
import { addToKernelRecord, type KernelState } from './kernel-record';

/**
 * Nothing is visible from outside: the same functions are in the addon of every instruction set, and a process that has
 * loaded two of them must not take one's for the other's.
 */
const compileFlags = [
  ...['-std=c++17', '-O2', '-c', '-fPIC', '-fvisibility=hidden'],
  ...['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=kernels'],
];

/** Their threads live as long as the process, and so must what they run, whatever becomes of the worker that loaded it. */
const linkFlags = ['-shared', '-pthread', '-Wl,-z,nodelete'];

function setFlags(set: InstructionSet): string[] {
  return [...set.flags, `-DLOOP_INSTRUCTION_SET="${set.suffix}"`];
}

/** All flags, for what depends on them. */
export function kernelFlags(): unknown {
  return [compileFlags, linkFlags, instructionSets.map(setFlags)];
}

/** What the kernels are made of, without their tests. */
export function kernelFiles(): { folder: string; sources: string[]; headers: string[] } {
  const folder = nativeSource('kernels');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.endsWith('.test.cc') && !file.startsWith('testing'))
    .sort()
    .map((file) => join(folder, file));
  return {
    folder,
    sources: files.filter((file) => file.endsWith('.cc')),
    headers: files.filter((file) => file.endsWith('.h')),
  };
}

export interface KernelBuild {
  readonly compiler: string;
  /** Where the addons go. */
  readonly folder: string;
  /** Flags for the headers of Node and of TensorFlow. */
  readonly headers: readonly string[];
  /** Flags to link with TensorFlow. */
  readonly link: readonly string[];
}

/** A set that the compiler cannot compile is left out, and the record says why. */
export async function compileKernels({
  compiler,
  folder,
  headers,
  link,
}: KernelBuild): Promise<void> {
  const objects = join(folder, 'objects');
  await mkdir(objects);
  const problems = new Map<InstructionSet, KernelState>();
  const unlessLeftOut = async (set: InstructionSet, make: () => Promise<void>): Promise<void> => {
    if (problems.has(set)) return;
    try {
      await make();
    } catch (error) {
      if (!(error instanceof NativeTensorflowError) || error.kind !== 'compiler') throw error;
      problems.set(set, { problem: error.message });
    }
  };
  const { sources } = kernelFiles();
  const objectOf = (set: InstructionSet, source: number): string =>
    join(objects, `${set.name}-${source.toString()}.o`);
  await onAllCores(
    sources.flatMap((source, index) =>
      instructionSets.map((set) => () => {
        const parameters = [...compileFlags, ...setFlags(set), ...headers, source];
        return unlessLeftOut(set, () => compile(compiler, objectOf(set, index), parameters));
      }),
    ),
  );
  await onAllCores(
    instructionSets.map((set) => () => {
      const parameters = [
        ...linkFlags,
        ...sources.map((_, index) => objectOf(set, index)),
        ...link,
      ];
      return unlessLeftOut(set, () =>
        compile(compiler, join(folder, kernelsFile(set)), parameters),
      );
    }),
  );
  await rm(objects, { recursive: true });
  await addToKernelRecord(
    folder,
    Object.fromEntries([...problems].map(([set, problem]) => [set.name, problem])),
  );
}
