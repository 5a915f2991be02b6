/** What a benchmark run leaves behind, `results.json`. */

/** One repetition of a worker's work, as the worker reports it. */
export interface Repetition {
  /** By phase or operation; `total` is there always. */
  readonly seconds: Readonly<Record<string, number>>;
  /** The most memory that the worker's process has held so far, in 10⁶ bytes. */
  readonly peakMegabytes: number;
}

/** A repetition with the round that it was of, which not all workers of a case need to have been in. */
export interface KeptRepetition extends Repetition {
  /** Counted from 1; left out where a worker was in every round. */
  readonly round?: number | undefined;
}

/** What a worker says once it is ready. */
export interface ReadyReport {
  /** Of what the work runs on, e.g. `{ TensorFlow: '2.21.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly peakMegabytes: number;
  /**
   * Largest |ratio − 1| of a first optimizer step: below 1e-4 the policy that learns is the one that sampled, and a shortcut
   * taken while sampling is valid.
   */
  readonly onPolicyDeviation?: number | undefined;
}

export interface WorkerResult extends Omit<ReadyReport, 'peakMegabytes'> {
  readonly name: string;
  /** From the process's start to ready. */
  readonly startSeconds: number;
  readonly repetitions: readonly KeptRepetition[];
}

/** One row of the table of ratios: how many times as fast, or as small, ours is as the best of the others. */
export interface Comparison {
  /** A key of `seconds`, or `peakMegabytes`. */
  readonly measure: string;
  /** Names of workers; the one with the smallest median counts. */
  readonly against: readonly string[];
  /** The smallest ratio that is good enough. */
  readonly target?: number | undefined;
}

/** One point of a series of cases that differ in one size. */
export interface ScalingPoint {
  readonly series: string;
  readonly value: number;
  /** Images times denoise steps: what the seconds are divided by. */
  readonly samples: number;
}

/** Of the operands of convolutions and matrix products. */
export type Precision = 'float32' | 'bfloat16';

export type CaseGroup = 'quick' | 'full';

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly group: CaseGroup;
  /** float32 where it is left out. */
  readonly precision?: Precision | undefined;
  readonly comparisons: readonly Comparison[];
  /** The first is ours. */
  readonly workers: readonly WorkerResult[];
  /** Floating-point operations by measure, where they are known. */
  readonly operations?: Readonly<Record<string, number>> | undefined;
  readonly scaling?: ScalingPoint | undefined;
  /** Why there are no numbers. */
  readonly failure?: string | undefined;
}

export interface Machine {
  readonly processor: string;
  /** Of `avx2`, `avx512f`, `avx512_bf16` and `amx_bf16` those that it has. */
  readonly instructionSets: readonly string[];
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly device: 'cpu' | 'gpu';
  readonly rounds: number;
  /** The smallest sizes: the numbers mean nothing. */
  readonly smoke: boolean;
  readonly cases: readonly CaseResult[];
}
