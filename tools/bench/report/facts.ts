/** What the report says, as rows: the tables and the charts show the same. */
import { SQUARE_PRODUCT } from '../cases';
import { compareCase, medianOf, type ComparedRow } from '../compare';
import type { CaseResult, Machine, Precision, Results } from '../results';

export interface ProcessorKind {
  /** For headings. */
  readonly title: string;
  /** For names of files. */
  readonly slug: string;
}

/** By the instructions that only it and those before it have, the fastest first: kernels differ by them. */
const PROCESSOR_KINDS: readonly (ProcessorKind & { readonly instructions: string })[] = [
  { instructions: 'amx_bf16', title: 'With AMX', slug: 'amx' },
  { instructions: 'avx512f', title: 'With AVX-512, without AMX', slug: 'avx-512' },
  { instructions: 'avx2', title: 'With AVX2, without AVX-512', slug: 'avx2' },
];
const OTHER_PROCESSORS: ProcessorKind = { title: 'Without AVX2', slug: 'other' };

export function processorKind({ instructionSets }: Machine): ProcessorKind {
  const kind = PROCESSOR_KINDS.find(({ instructions }) => instructionSets.includes(instructions));
  return kind ?? OTHER_PROCESSORS;
}

/** Runs on the fastest kind of processor first. */
export function byProcessorKind(runs: readonly Results[]): Results[] {
  const order: readonly ProcessorKind[] = [...PROCESSOR_KINDS, OTHER_PROCESSORS];
  const rank = ({ machine }: Results): number => order.indexOf(processorKind(machine));
  return [...runs].sort((a, b) => rank(a) - rank(b));
}

/** The cases that have numbers. */
export function measuredCases({ cases }: Results): CaseResult[] {
  return cases.filter(({ failure }) => failure === undefined);
}

export function ratioRows(results: Results): ComparedRow[] {
  return measuredCases(results).flatMap(compareCase);
}

export interface PhaseRow {
  readonly caseName: string;
  readonly worker: string;
  readonly phase: string;
  /** Median. */
  readonly seconds: number;
}

export const PHASES = ['text', 'rollout', 'decode', 'reward', 'update'] as const;

/** Seconds by phase of every worker that went through an iteration. */
export function phaseRows(results: Results): PhaseRow[] {
  return measuredCases(results)
    .filter(({ scaling }) => scaling === undefined)
    .flatMap(({ name, workers }) =>
      workers
        .filter(({ repetitions }) => repetitions[0]?.seconds['rollout'] !== undefined)
        .flatMap((worker) =>
          PHASES.map((phase) => ({
            ...{ caseName: name, worker: worker.name, phase },
            seconds: medianOf(worker, phase),
          })),
        ),
    );
}

export interface RateRow {
  readonly caseName: string;
  readonly measure: string;
  readonly worker: string;
  readonly precision: Precision;
  /** 10⁹ floating-point operations per second. */
  readonly rate: number;
  /** Of the machine's rate in this precision, where that was measured. */
  readonly fraction: number | undefined;
}

/** The best rate of a large matrix product, ours or theirs, in 10⁹ operations per second; undefined where not measured. */
export function machineRate(results: Results, precision: Precision): number | undefined {
  const rates = measuredCases(results)
    .flatMap(ratesOf)
    .filter((row) => row.measure === SQUARE_PRODUCT && row.precision === precision)
    .map(({ rate }) => rate);
  return rates.length === 0 ? undefined : Math.max(...rates);
}

/** Every measure whose operations are known, beside the machine's rate. */
export function rateRows(results: Results): RateRow[] {
  const best = {
    float32: machineRate(results, 'float32'),
    bfloat16: machineRate(results, 'bfloat16'),
  };
  return measuredCases(results)
    .flatMap(ratesOf)
    .map((row) => {
      const machine = best[row.precision];
      return { ...row, fraction: machine === undefined ? undefined : row.rate / machine };
    });
}

export interface ScalingRow {
  readonly series: string;
  readonly value: number;
  /** Median of an iteration, per image and denoise step. */
  readonly milliseconds: number;
}

export function scalingRows(results: Results): ScalingRow[] {
  return measuredCases(results).flatMap(({ scaling, workers: [ours] }) => {
    if (scaling === undefined || ours === undefined) return [];
    const { series, value, samples } = scaling;
    return [{ series, value, milliseconds: (1000 * medianOf(ours, 'total')) / samples }];
  });
}

function ratesOf({
  name,
  workers,
  precision = 'float32',
  operations = {},
}: CaseResult): Omit<RateRow, 'fraction'>[] {
  return workers.flatMap((worker) =>
    Object.entries(operations).map(([measure, count]) => ({
      ...{ caseName: name, measure, worker: worker.name, precision },
      rate: count / medianOf(worker, measure) / 1e9,
    })),
  );
}
