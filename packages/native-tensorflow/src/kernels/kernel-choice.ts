import type { InstructionSetName } from './instruction-sets';

/** Whether layers are computed by the kernels of this package. */
export interface KernelChoice {
  /** The instruction set that they are compiled for; null where TensorFlow's and TensorFlow.js's own kernels serve alone. */
  readonly set: InstructionSetName | null;
  /** Which serve, or why none, in one line. */
  readonly reason: string;
}

export interface LoadedKernels {
  readonly choice: KernelChoice;
  /** What is wrong, as a sentence; undefined where nothing is. */
  readonly problem: string | undefined;
}
