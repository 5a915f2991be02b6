/* eslint-disable @nx/enforce-module-boundaries -- as in main.ts */
import { carryOut } from '../../packages/bayesian-search/src/testing/carry-out';
import type { TestFunction } from '../../packages/bayesian-search/src/testing/functions';
import { trueCurve } from '../../packages/bayesian-search/src/testing/true-curve';
/* eslint-enable @nx/enforce-module-boundaries */
import type { Bands } from './charts';

const KINDS = {
  linear: 'linear',
  integer: 'linear',
  log: 'log',
  'power-of-two': 'powers',
  choice: 'choice',
} as const;

/** The curves at the end of one interleaved search, seed 0, 6 runs per key, next to the true ones. */
export function bandsOf(tested: TestFunction): Bands[] {
  const keys = Object.keys(tested.space);
  const search = carryOut(tested, 'interleaved', { seed: 0, runs: 6 * keys.length });
  return keys.map((key) => {
    const curve = search.partialDependence(key);
    const truth = trueCurve(tested, key, curve.map(({ value }) => value)); // prettier-ignore
    return {
      key,
      kind: KINDS[tested.space[key]!.scale],
      rows: curve.map(({ value, mean, low, high }, index) => ({
        ...{ key, at: Number(value), value: String(value), mean, low, high },
        truth: truth[index]!,
      })),
    };
  });
}
