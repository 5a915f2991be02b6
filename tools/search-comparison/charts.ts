import type { ChartSpec } from '../bench/report/render-chart';

/** A strategy after so many runs of a function, averaged over the seeds. */
export interface ProgressRow {
  readonly function: string;
  readonly strategy: string;
  readonly runs: number;
  readonly curveError: number;
  readonly coverage: number;
  readonly regret: number;
  readonly curveErrorStandardError: number;
  readonly regretStandardError: number;
}

/** A place of a curve; numbers stand in `at`, the values of a choice in `value`. */
export interface BandRow {
  readonly key: string;
  readonly at: number;
  readonly value: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly truth: number;
}

export interface Bands {
  readonly key: string;
  readonly kind: 'log' | 'powers' | 'linear' | 'choice';
  readonly rows: readonly BandRow[];
}

const COLOUR = {
  field: 'strategy',
  type: 'nominal',
  sort: null,
  legend: { symbolOpacity: 1 },
  scale: {
    domain: [
      'interleaved',
      'interleaved, curves',
      'improve',
      'explain',
      'explain, curves',
      'random',
    ],
    range: ['#e45756', '#f58518', '#4c78a8', '#54a24b', '#88d27a', '#999999'],
  },
};

/** A panel per function, a line per strategy with its standard error. */
export function progressChart(
  rows: readonly ProgressRow[],
  measure: 'curveError' | 'regret',
  title: string,
): ChartSpec {
  const functions = [...new Set(rows.map((row) => row.function))];
  const panel = (name: string, index: number) => ({
    title: name,
    ...{ width: 210, height: 190 },
    data: {
      values: rows
        .filter((row) => row.function === name)
        .map((row) => ({
          strategy: row.strategy,
          runs: row.runs,
          mean: row[measure],
          low: row[measure] - row[`${measure}StandardError`],
          high: row[measure] + row[`${measure}StandardError`],
        })),
    },
    encoding: {
      x: { field: 'runs', type: 'quantitative', title: 'runs', scale: { zero: false } },
      color: COLOUR,
    },
    layer: [
      {
        mark: { type: 'area', opacity: 0.15 },
        encoding: {
          y: { field: 'low', type: 'quantitative', title: index === 0 ? title : null },
          y2: { field: 'high' },
        },
      },
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: { y: { field: 'mean', type: 'quantitative' } },
      },
    ],
  });
  return { hconcat: functions.map(panel) };
}

const SCALES = {
  log: { type: 'log' },
  powers: { type: 'log', base: 2 },
  linear: { type: 'linear' },
};

/** A panel per key: the curve, its band and, dashed, the truth. */
export function bandChart(bands: readonly Bands[]): ChartSpec {
  return {
    hconcat: bands.map(({ key, kind, rows }, index) => {
      const x =
        kind === 'choice'
          ? { field: 'value', type: 'nominal', sort: null }
          : { field: 'at', type: 'quantitative', scale: { ...SCALES[kind], nice: false } };
      const y = (field: string) => ({
        field,
        type: 'quantitative',
        scale: { zero: false },
        title: index === 0 ? 'gain' : null,
      });
      return {
        ...{ width: 150, height: 170, data: { values: rows } },
        encoding: { x: { ...x, title: key } },
        layer: [
          {
            mark:
              kind === 'choice'
                ? { type: 'rule', strokeWidth: 12, opacity: 0.2 }
                : { type: 'area', opacity: 0.2 },
            encoding: { y: y('low'), y2: { field: 'high' }, color: { value: '#4c78a8' } },
          },
          {
            mark: kind === 'choice' ? { type: 'point', filled: true, size: 50 } : { type: 'line' },
            encoding: { y: y('mean'), color: { value: '#4c78a8' } },
          },
          {
            mark:
              kind === 'choice'
                ? { type: 'tick', thickness: 2, size: 18, color: 'black' }
                : { type: 'line', strokeDash: [4, 3], color: 'black', strokeWidth: 1 },
            encoding: { y: y('truth') },
          },
        ],
      };
    }),
    resolve: { scale: { y: 'shared' } },
  };
}
