/** Whether the clip does anything: samples that are reused without an acting clip destroy the policy. */
import type { TrainConfig } from '../configuration/schema';
import type { IterationRecord } from '../run-folder/records';
import { figure, median } from '../terminal/words';

/** So many iterations are watched before anything is said. */
const ITERATIONS = 10;
/** A clip that stops fewer ratios than this holds nothing. */
const INERT_FRACTION = 1e-3;

/**
 * @param earlier what a run that goes on has done already
 * @returns a function that takes each iteration and returns a warning at most once: when samples are reused and the clip
 * stopped next to no ratio in the last ten iterations, and did not before at a larger learning rate either. Steps of a rate that
 * falls are smaller than those that the clip held, and need none.
 */
export function createClipWatch(
  config: TrainConfig,
  earlier: readonly IterationRecord[] = [],
): (record: IterationRecord) => string | undefined {
  const isReused = config.algorithm.innerUpdates > 1;
  const recent: IterationRecord[] = [];
  let rateHeld = 0;
  let warned = false;
  function watch(record: IterationRecord): string | undefined {
    if (!isReused || record.clips !== true || warned) return undefined;
    if (record.clipFraction >= INERT_FRACTION) rateHeld = Math.max(rateHeld, record.learningRate);
    recent.push(record);
    if (recent.length > ITERATIONS) recent.shift();
    if (recent.length < ITERATIONS) return undefined;
    if (recent.some(({ clipFraction }) => clipFraction >= INERT_FRACTION)) return undefined;
    if (record.learningRate < rateHeld) return undefined;
    warned = true;
    const spread = median(recent.map(({ ratio }) => ratio.std));
    return `the clip did not act in the last ${String(ITERATIONS)} iterations: clipRange is ${figure(record.clipRange)}, but ratios spread by only ${figure(spread)}; reusing samples without an acting clip can destroy the policy, so lower algorithm.clipRange towards that spread or take fewer algorithm.innerUpdates`;
  }
  for (const record of earlier) watch(record);
  return watch;
}
