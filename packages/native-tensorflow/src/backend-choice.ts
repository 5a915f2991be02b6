export type BackendName = 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';

export const backendNames: readonly BackendName[] = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'];

export interface BackendChoice {
  readonly name: BackendName;
  /** Which backend serves and why, in one line. */
  readonly reason: string;
  readonly gpu: boolean;
  /** e.g. `TensorFlow 2.21.0` */
  readonly version: string;
  /** What of this call's options could not be had, a sentence each; said on standard error, too, unless `quiet`. */
  readonly notes: readonly string[];
}

export type Precision = 'float32' | 'bfloat16';
