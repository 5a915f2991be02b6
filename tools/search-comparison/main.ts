/**
 * Compares searches of functions of which everything is known, and writes the table and the figures of docs/search.md.
 *
 *   npm run search:compare                             ten seeds, the figures into docs/images
 *   npm run search:compare -- --seeds 2 --out tmp      fewer, elsewhere
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/* eslint-disable @nx/enforce-module-boundaries -- the functions and strategies that the package's own tests have */
import {
  carryOut,
  qualityOf,
  strategies,
  type Quality,
  type Strategy,
} from '../../packages/bayesian-search/src/testing/carry-out';
import {
  branin,
  hartmann,
  tuning,
  type TestFunction,
} from '../../packages/bayesian-search/src/testing/functions';
/* eslint-enable @nx/enforce-module-boundaries */
import { renderChart } from '../bench/report/render-chart';
import { bandChart, progressChart, type ProgressRow } from './charts';
import { bandsOf } from './bands';
import { comparisonTable } from './table';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    out: { type: 'string', default: 'docs/images' },
  },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed);
if (seeds.length === 0) throw new Error(`--seeds must be a whole number, got ${values.seeds}.`);

const rows = [branin, hartmann, tuning].flatMap((tested) =>
  (Object.keys(strategies) as Strategy[]).flatMap((strategy) => {
    console.error(`${tested.name}, ${strategy}`);
    return progressOf(tested, strategy);
  }),
);
console.log(comparisonTable(rows));
await mkdir(values.out, { recursive: true });
for (const [name, chart] of [
  ['search-curves', progressChart(rows, 'curveError', 'mean error of the curves')],
  ['search-best', progressChart(rows, 'regret', 'below the largest gain')],
  ['search-bands', bandChart(bandsOf(tuning))],
] as const) {
  await writeFile(join(values.out, `${name}.png`), await renderChart(chart));
}

/** The means over the seeds, after 2 runs per key, the start, and after every further one per key, to 12. */
function progressOf(tested: TestFunction, strategy: Strategy): ProgressRow[] {
  const keys = Object.keys(tested.space).length;
  const quality = qualityOf(tested);
  const reached = seeds.map((seed) => {
    const ofSeed: Quality[] = [];
    carryOut(tested, strategy, { seed, runs: 12 * keys }, (search, run) => {
      if ((run + 1) % keys === 0 && run > keys) ofSeed.push(quality(search));
    });
    return ofSeed;
  });
  return reached[0]!.map((_, index) => {
    const ofRun = (measure: keyof Quality) => reached.map((ofSeed) => ofSeed[index]![measure]);
    return {
      function: tested.name,
      strategy,
      runs: (2 + index) * keys,
      curveError: meanOf(ofRun('curveError')),
      coverage: meanOf(ofRun('coverage')),
      regret: meanOf(ofRun('regret')),
      curveErrorStandardError: standardErrorOf(ofRun('curveError')),
      regretStandardError: standardErrorOf(ofRun('regret')),
    };
  });
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** Of the mean; 0 of a single number. */
function standardErrorOf(numbers: readonly number[]): number {
  const mean = meanOf(numbers);
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, numbers.length - 1) / numbers.length);
}
