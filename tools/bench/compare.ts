/** From repetitions to ratios. */
import type { CaseResult, Comparison, Repetition, WorkerResult } from './results';
import { median, quartiles } from './statistics';

/** A row of the table of ratios. */
export interface ComparedRow {
  readonly caseName: string;
  readonly measure: string;
  /** The fastest of those compared with. */
  readonly rival: string;
  /** Medians, in seconds or 10⁶ bytes. */
  readonly ours: number;
  readonly theirs: number;
  /** theirs / ours, so that above 1 ours is faster or smaller. */
  readonly ratio: number;
  /** Quartiles of the rounds' own ratios: the rounds alternate, so that a drift of the machine cancels in each. */
  readonly spread: readonly [number, number];
  readonly target: number | undefined;
  /** Undefined without a target. */
  readonly met: boolean | undefined;
}

/** The rows of a case; none where it failed or nobody to compare with was there. */
export function compareCase(result: CaseResult): ComparedRow[] {
  const [ours, ...others] = result.workers;
  if (result.failure !== undefined || ours === undefined) return [];
  return result.comparisons.flatMap((comparison) => {
    const rivals = others.filter(({ name }) => comparison.against.includes(name));
    const rival = fastest(rivals, comparison.measure);
    return rival === undefined ? [] : [compare(result.name, comparison, ours, rival)];
  });
}

/** The median of one measure of a worker. */
export function medianOf(worker: WorkerResult, measure: string): number {
  return median(valuesOf(worker, measure));
}

function compare(
  caseName: string,
  { measure, target }: Comparison,
  ours: WorkerResult,
  rival: WorkerResult,
): ComparedRow {
  const theirRounds = roundsOf(rival, measure);
  const ratios = [...roundsOf(ours, measure)].flatMap(([round, value]) => {
    const theirs = theirRounds.get(round);
    return theirs === undefined ? [] : theirs / value;
  });
  const row = { ours: medianOf(ours, measure), theirs: medianOf(rival, measure) };
  const ratio = row.theirs / row.ours;
  return {
    ...{ caseName, measure, rival: rival.name, ...row, ratio, target },
    spread: quartiles(ratios),
    met: target === undefined ? undefined : ratio >= target,
  };
}

function fastest(workers: readonly WorkerResult[], measure: string): WorkerResult | undefined {
  return [...workers].sort((a, b) => medianOf(a, measure) - medianOf(b, measure)).at(0);
}

function valuesOf(worker: WorkerResult, measure: string): number[] {
  return [...roundsOf(worker, measure).values()];
}

/** Values by round. */
function roundsOf({ name, repetitions }: WorkerResult, measure: string): Map<number, number> {
  return new Map(
    repetitions.map((repetition, index) => {
      const value = valueOf(repetition, measure);
      if (value === undefined) throw new Error(`${name} has not measured "${measure}".`);
      return [repetition.round ?? index + 1, value];
    }),
  );
}

function valueOf({ seconds, peakMegabytes }: Repetition, measure: string): number | undefined {
  return measure === 'peakMegabytes' ? peakMegabytes : seconds[measure];
}
