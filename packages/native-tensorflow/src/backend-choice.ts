import type { KernelChoice } from './kernels/kernel-choice';

export type BackendName = 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';

export const backendNames: readonly BackendName[] = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'];

export interface BackendChoice {
  readonly name: BackendName;
  /** Which backend serves and why, in one line. */
  readonly reason: string;
  readonly gpu: boolean;
  /** e.g. `TensorFlow 2.21.0` */
  readonly version: string;
  /** Whether layers are computed by the kernels of this package, and why not. */
  readonly kernels: KernelChoice;
  /**
   * What of this call's options could not be had, and what is wrong with the kernels, a sentence each; said on standard error,
   * too, unless `quiet`.
   */
  readonly notes: readonly string[];
}

export type Precision = 'float32' | 'bfloat16';
