/** Which kernels a process uses, and how they are loaded. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startupAddonFile } from '../addon-files';
import type { Precision } from '../backend-choice';
import { requireHere } from '../package-files';
import {
  instructionSets,
  kernelsFile,
  type InstructionSet,
  type InstructionSetName,
} from './instruction-sets';
import type { KernelChoice, LoadedKernels } from './kernel-choice';
import { problemOfSet, readKernelRecord, type KernelRecord } from './kernel-record';
import { registerKernels } from './register-kernels';
import { kernelThreadCount } from './thread-count';

/** `off`, or the instruction set to use; the best one without it. */
export const kernelsVariable = 'LOOP_DIFFUSION_KERNELS';

interface KernelsAddon {
  /** The operations that TensorFlow knows by it, without the set's suffix. */
  readonly operations: readonly string[];
  /** Whether they can round the operands of products to bfloat16. */
  readonly hasBfloat16: boolean;
  /** The first call of the process decides. @returns what holds */
  setThreadCount(count: number): number;
}

export interface KernelCircumstances {
  readonly folder: string;
  readonly kind: 'cpu' | 'gpu';
  readonly precision: Precision;
}

/** Loads the best kernels that this processor can run and that have passed their check, unless the user wants others. */
export async function loadKernels(circumstances: KernelCircumstances): Promise<LoadedKernels> {
  const none = (reason: string): LoadedKernels => ({
    choice: { set: null, reason },
    problem: undefined,
  });
  const broken = (problem: string): LoadedKernels => ({
    choice: { set: null, reason: problem },
    problem: `Layers are computed by TensorFlow's own kernels. ${problem}`,
  });
  const { folder, kind, precision } = circumstances;
  const asked = process.env[kernelsVariable] ?? '';
  if (asked === 'off') return none(`${kernelsVariable} is off.`);
  if (kind === 'gpu')
    return none(
      'The kernels of this package are for processors, and the build for NVIDIA GPUs serves.',
    );
  const known = instructionSets.map(({ name }) => name as string);
  if (asked !== '' && !known.includes(asked)) {
    return broken(
      `${kernelsVariable} is "${asked}", but may be ${['off', ...known.slice(0, -1)].join(', ')} or ${known.at(-1) ?? ''}.`,
    );
  }
  try {
    const { set, problem } = chooseSet({
      supported: processorSets(folder),
      record: await readKernelRecord(folder),
      isBuilt: (one) => existsSync(join(folder, kernelsFile(one))),
      asked: asked === '' ? undefined : (asked as InstructionSetName),
    });
    if (set === undefined) return problem === undefined ? none(noSet) : broken(problem);
    return { choice: openKernels(folder, set, precision), problem };
  } catch (error) {
    return broken(
      `The kernels of this package do not load: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const noSet = `This processor has none of the instruction sets that the kernels are for (${instructionSets.map(({ title }) => title).join(', ')}).`;

/** The sets that this processor and its system can run. */
export function processorSets(folder: string): InstructionSet[] {
  const startup = requireHere(join(folder, startupAddonFile)) as {
    instructionSets(): readonly string[];
  };
  const names = startup.instructionSets();
  return instructionSets.filter(({ name }) => names.includes(name));
}

export interface SetCircumstances {
  readonly supported: readonly InstructionSet[];
  readonly record: KernelRecord;
  readonly isBuilt: (set: InstructionSet) => boolean;
  readonly asked: InstructionSetName | undefined;
}

/** The best set that works. What is wrong with those before it is the problem. */
export function chooseSet({ supported, record, isBuilt, asked }: SetCircumstances): {
  set?: InstructionSet;
  problem: string | undefined;
} {
  const wanted = supported.filter(({ name }) => asked === undefined || name === asked);
  if (asked !== undefined && wanted.length === 0) {
    return { problem: `${kernelsVariable} is ${asked}, which this processor cannot run.` };
  }
  const problems: string[] = [];
  for (const set of wanted) {
    const problem = whyNot(set, record, isBuilt(set));
    if (problem === undefined) return { set, problem: problems[0] };
    problems.push(problem);
  }
  return { problem: problems[0] };
}

function whyNot(set: InstructionSet, record: KernelRecord, isBuilt: boolean): string | undefined {
  const state = record[set.name];
  const problem = problemOfSet(set, state);
  if (problem !== undefined) return problem;
  if (!isBuilt) return `The kernels for ${set.title} are not there.`;
  if (state === 'works') return undefined;
  return `The kernels for ${set.title} were installed on a processor that cannot check them: \`npx @loop-diffusion/native-tensorflow install\` on this one does.`;
}

/**
 * Makes TensorFlow's operations and TensorFlow.js's kernels of an addon.
 *
 * @param precision in bfloat16 they still compute in float32 where the set has no products of it
 */
export function openKernels(
  folder: string,
  set: InstructionSet,
  precision: Precision,
): KernelChoice {
  const addon = requireHere(join(folder, kernelsFile(set))) as KernelsAddon;
  const threads = addon.setThreadCount(kernelThreadCount());
  const bfloat16 = precision === 'bfloat16' && addon.hasBfloat16;
  registerKernels(addon.operations, { suffix: set.suffix, bfloat16 });
  const how = `in ${bfloat16 ? 'bfloat16' : 'float32'} on ${threads.toString()} ${threads === 1 ? 'thread' : 'threads'}`;
  return { set: set.name, reason: `Kernels of this package for ${set.title}, ${how}.` };
}
