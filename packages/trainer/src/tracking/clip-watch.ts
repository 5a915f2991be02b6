/** Whether the clip does anything: samples that are reused without an acting clip destroy the policy. */
import type { TrainConfig } from '../configuration/schema';
import { isClipped } from '../configuration/sections/algorithm';
import type { IterationRecord } from '../run-folder/records';
import { figure, median } from '../terminal/words';

/** So many iterations are watched before anything is said. */
const ITERATIONS = 10;
/** A clip that stops fewer ratios than this holds nothing. */
const INERT_FRACTION = 1e-3;

/**
 * @returns a function that takes each iteration and returns a warning at most once: when samples are reused and the clip
 * stopped next to no ratio in the last ten iterations
 */
export function createClipWatch(
  config: TrainConfig,
): (record: IterationRecord) => string | undefined {
  const { name, innerUpdates } = config.algorithm;
  const clips = isClipped(name) && innerUpdates > 1;
  const recent: IterationRecord[] = [];
  let warned = false;
  return (record) => {
    if (!clips || warned) return undefined;
    recent.push(record);
    if (recent.length > ITERATIONS) recent.shift();
    if (recent.length < ITERATIONS) return undefined;
    if (recent.some(({ clipFraction }) => clipFraction >= INERT_FRACTION)) return undefined;
    warned = true;
    const spread = median(recent.map(({ ratio }) => ratio.std));
    return `the clip did not act in the last ${String(ITERATIONS)} iterations: clipRange is ${figure(record.clipRange)}, but ratios spread by only ${figure(spread)}; reusing samples without an acting clip can destroy the policy, so lower algorithm.clipRange towards that spread or take fewer algorithm.innerUpdates`;
  };
}
