/** The charts of the report, as Vega-Lite specifications. */
import { formatMeasure } from '../table';
import type { ComparedRow } from '../compare';
import { PHASES, type PhaseRow, type ScalingRow } from './facts';
import type { ChartSpec } from './render-chart';

const WIDTH = 520;
const LABELS = {
  ...{ field: 'label', type: 'nominal', sort: null, title: null },
  axis: { labelLimit: 0 },
};

/** Horizontal bars, above 1 where ours is faster, with the targets marked. */
export function ratioChart(rows: readonly ComparedRow[]): ChartSpec {
  const values = rows.map((row) => ({
    label: `${row.caseName}: ${formatMeasure(row.measure)} / ${row.rival}`,
    ratio: row.ratio,
    low: row.spread[0],
    high: row.spread[1],
    ...(row.target !== undefined && { target: row.target }),
    verdict: verdictOf(row),
  }));
  const x = { type: 'quantitative', title: 'times as fast, or as small' };
  return {
    title: 'Theirs / ours: above 1 is better',
    ...{ width: WIDTH, height: { step: 20 }, data: { values } },
    encoding: { y: LABELS },
    layer: [
      {
        mark: { type: 'bar', height: 13 },
        encoding: {
          x: { ...x, field: 'ratio' },
          color: {
            field: 'verdict',
            type: 'nominal',
            sort: null,
            scale: {
              domain: ['target met', 'target not met', 'no target'],
              range: ['#54a24b', '#e45756', '#9ecae9'],
            },
          },
        },
      },
      { mark: 'rule', encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } } },
      {
        transform: [{ filter: 'isValid(datum.target)' }],
        mark: { type: 'tick', thickness: 3, size: 18, color: 'black' },
        encoding: { x: { ...x, field: 'target' } },
      },
      {
        mark: { type: 'rule', strokeDash: [4, 3], color: '#777' },
        encoding: { x: { datum: 1 }, y: null },
      },
    ],
  };
}

/** Stacked bars, a worker each. */
export function phaseChart(rows: readonly PhaseRow[]): ChartSpec {
  const values = rows.map((row) => ({
    ...row,
    label: `${row.caseName}: ${row.worker}`,
    order: PHASES.findIndex((phase) => phase === row.phase),
  }));
  return {
    title: 'Seconds of an iteration, by phase (medians)',
    ...{ width: WIDTH, height: { step: 24 }, data: { values } },
    mark: { type: 'bar', height: 16 },
    encoding: {
      y: LABELS,
      x: { field: 'seconds', type: 'quantitative', stack: 'zero', title: 'seconds' },
      order: { field: 'order', type: 'quantitative' },
      color: { field: 'phase', type: 'nominal', scale: { domain: PHASES, scheme: 'tableau10' } },
    },
  };
}

/** A line per series: flat is what one hopes for. */
export function scalingChart(rows: readonly ScalingRow[]): ChartSpec {
  const series = [...new Set(rows.map((row) => row.series))];
  return {
    columns: 2,
    concat: series.map((name) => ({
      title: `by ${name}`,
      ...{ width: WIDTH / 2 - 20, height: 150 },
      data: { values: rows.filter((row) => row.series === name) },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'value', type: 'ordinal', title: name, axis: { labelAngle: 0 } },
        y: {
          field: 'milliseconds',
          type: 'quantitative',
          title: 'ms per image and step',
          scale: { zero: true },
        },
      },
    })),
  };
}

function verdictOf({ met }: ComparedRow): string {
  if (met === undefined) return 'no target';
  return met ? 'target met' : 'target not met';
}
