import type { BackendChoice, BackendName, Precision } from './backend-choice';
import type { NativeFunction } from './compile/native-handles';
import type { Membership } from './distribution/membership';
import type { LoadedKernels } from './kernels/kernel-choice';

/** The library that this process has loaded; it cannot hold two, and reads its settings once. */
export interface LoadedLibrary {
  readonly kind: 'cpu' | 'gpu';
  readonly folder: string;
  readonly precision: Precision;
  /** Undefined: all cores. */
  readonly threadsPerOperation: number | undefined;
  readonly kernels: LoadedKernels;
}

/** A function of fused operations, and how many traces use it. */
export interface FusedFunction {
  readonly definition: NativeFunction;
  users: number;
}

/** As `Array.prototype.map`. */
export type Fork = <Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Result,
) => Result[];

/** What the ES module and the CommonJS copy of this package have in common, where a process has loaded both. */
export interface SharedState {
  /** The call of `useBestBackend` that the next one waits for. */
  pending: Promise<unknown>;
  loaded: LoadedLibrary | undefined;
  /** The cluster that this process is a worker of; undefined without one. */
  membership: Membership | undefined;
  readonly choices: Map<BackendName | 'best', BackendChoice>;
  readonly said: Set<string>;
  /** Whether a function is being run on symbols. */
  recording: boolean;
  /** What `sideBySide` does inside that function. */
  fork: Fork | undefined;
  /** Whether what is being recorded runs beside others, and so on one thread. */
  alone: boolean;
  /** By their names, which say what is in them. */
  readonly fused: Map<string, FusedFunction>;
  /** What `disposeCompiled` disposes of. */
  readonly compiled: Set<{ dispose(): void }>;
}

export const stateKey = Symbol.for('@loop-diffusion/native-tensorflow');

export function sharedState(): SharedState {
  const holder = globalThis as unknown as Record<symbol, SharedState | undefined>;
  return (holder[stateKey] ??= {
    pending: Promise.resolve(),
    loaded: undefined,
    membership: undefined,
    choices: new Map(),
    said: new Set(),
    recording: false,
    fork: undefined,
    alone: false,
    fused: new Map(),
    compiled: new Set(),
  });
}
