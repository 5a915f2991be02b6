/** The instruction sets that the kernels are compiled for, each into an addon of its own. */

export interface InstructionSet {
  readonly name: InstructionSetName;
  /** As people write it. */
  readonly title: string;
  /** TensorFlow knows an operation by its name with this at its end. */
  readonly suffix: string;
  readonly flags: readonly string[];
}

export type InstructionSetName = 'avx512bf16' | 'avx512' | 'avx2';

const avx2 = ['-mavx2', '-mfma'];
const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', ...avx2];

/** The best first. */
export const instructionSets: readonly InstructionSet[] = [
  {
    name: 'avx512bf16',
    title: 'AVX-512 with bfloat16',
    suffix: 'Avx512Bf16',
    flags: ['-mavx512bf16', ...avx512],
  },
  { name: 'avx512', title: 'AVX-512', suffix: 'Avx512', flags: avx512 },
  { name: 'avx2', title: 'AVX2', suffix: 'Avx2', flags: avx2 },
];

/** The addon's file inside an installed build. */
export function kernelsFile(set: InstructionSet): string {
  return `kernels-${set.name}.node`;
}
