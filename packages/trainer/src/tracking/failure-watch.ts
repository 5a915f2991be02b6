/** Failures that a run goes on with: one that nobody hears of may leave it half blind. */
import type { FailureReport } from '../run-folder/records';

export interface Judged {
  /** How many there were. */
  readonly images: number;
  readonly failures: readonly FailureReport[];
  readonly notApplicable: number;
}

/** @returns a function that takes each iteration and evaluation and returns warnings, each reward's kinds of failure once a run */
export function createFailureWatch(): (judged: Judged) => string[] {
  const said = new Set<string>();
  const isNew = (key: string): boolean => said.size < said.add(key).size;
  return ({ images, failures, notApplicable }) => {
    const warnings = failures
      .filter(({ reward, kind }) => isNew(JSON.stringify([reward, kind])))
      .map(
        ({ reward, count, message }) =>
          `the reward ${reward} failed on ${String(count)} of ${String(images)} images: ${message}`,
      );
    if (images > 0 && notApplicable === images && isNew('none applies')) {
      warnings.push(
        `no reward applies to any of ${String(images)} images, which leaves nothing to learn or to compare; look at what the prompts ask for`,
      );
    }
    return warnings;
  };
}
