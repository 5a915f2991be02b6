/** `curves.png`: a run at a glance. */
import type { TopLevelSpec } from 'vega-lite';

import { isBaseEvaluation, type RunHistory } from './run-history';
import { FONT_FAMILY, svgToPng } from './svg-to-png';

/** Draws the curves of a run; needs at least one iteration or evaluation. */
export async function renderCurves(history: RunHistory): Promise<Uint8Array> {
  // Loaded here because a run without plots should not pay for them.
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const { spec } = vegaLite.compile(curvesSpec(history));
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return svgToPng(await view.toSVG(), { scale: 1.5 });
  } finally {
    view.finalize();
  }
}

const WIDTH = 440;
const HEIGHT = 190;
const PHASES = ['text', 'rollout', 'decode', 'reward', 'update'] as const;

type Panel = Record<string, unknown>;
type Rows = Record<string, unknown>[];

/** The drawing as a Vega-Lite specification. */
export function curvesSpec(history: RunHistory): TopLevelSpec {
  const panels = [
    rewardPanel(history),
    familyPanel(history),
    ratioPanel(history),
    clipPanel(history),
    timestepPanel(history),
    klPanel(history),
    gradientPanel(history),
    secondsPanel(history),
  ].filter((panel) => panel !== undefined);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    concat: panels,
    columns: 2,
    spacing: 28,
    padding: 16,
    resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
    config: {
      font: FONT_FAMILY,
      view: { stroke: null },
      title: { anchor: 'start', frame: 'group', fontSize: 13, fontWeight: 'bold', offset: 10 },
      axis: {
        gridColor: '#e8e8e8',
        domainColor: '#999',
        tickColor: '#999',
        titleFontWeight: 'normal',
      },
      legend: {
        title: null,
        orient: 'bottom',
        labelFontSize: 11,
        labelLimit: 0,
        symbolStrokeWidth: 2,
      },
      line: { strokeWidth: 1.8 },
    },
  } as unknown as TopLevelSpec;
}

const ITERATION = {
  field: 'iteration',
  type: 'quantitative',
  title: 'iteration',
  axis: { grid: false, tickMinStep: 1, format: 'd' },
  scale: { nice: false },
};

function rewardPanel({ iterations, evaluations }: RunHistory): Panel {
  const training: Rows = iterations.map(({ iteration, reward }) => ({
    iteration,
    mean: reward.mean,
    low: reward.mean - reward.std,
    high: reward.mean + reward.std,
    series: 'training (± std)',
  }));
  const heldOut: Rows = evaluations
    .filter(({ record }) => !isBaseEvaluation(record))
    .map(({ iteration, record }) => ({
      iteration,
      mean: record.mean,
      low: record.mean - record.standardError,
      high: record.mean + record.standardError,
      series: 'held-out (± standard error)',
    }));
  const base: Rows = evaluations
    .filter(({ record }) => isBaseEvaluation(record))
    .map(({ record }) => ({
      mean: record.mean,
      series: `base, guidance ${String(record.settings.guidance)}`,
    }));
  const color = {
    ...series(['#4c78a8', '#e45756', '#777777', '#aaaaaa', '#bbbbbb']),
    legend: { symbolType: 'stroke', symbolOpacity: 1, columns: 2 },
  };
  const mean = { field: 'mean', type: 'quantitative', title: 'reward', scale: { zero: false } };
  const range = { y: { ...mean, field: 'low' }, y2: { field: 'high' } };
  return panel('Reward', {
    encoding: { x: { ...ITERATION, scale: { domainMin: 0, nice: false } } },
    layer: [
      {
        data: { values: training },
        mark: { type: 'area', opacity: 0.15 },
        encoding: { ...range, color },
      },
      { data: { values: training }, mark: lineMark(iterations), encoding: { y: mean, color } },
      {
        data: { values: heldOut },
        mark: { type: 'line', strokeWidth: 1.2 },
        encoding: { y: mean, color },
      },
      { data: { values: heldOut }, mark: 'rule', encoding: { ...range, color } },
      {
        data: { values: heldOut },
        mark: { type: 'point', filled: true, size: 50 },
        encoding: { y: mean, color },
      },
      {
        data: { values: base },
        mark: { type: 'rule', strokeDash: [5, 4] },
        encoding: { x: null, y: mean, color },
      },
    ],
  });
}

function familyPanel({ evaluations }: RunHistory): Panel | undefined {
  const own = evaluations.filter(({ record }) => !isBaseEvaluation(record));
  const first = own.at(0);
  const last = own.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const shown = first === last ? [first] : [first, last];
  const rows: Rows = shown.flatMap(({ record }) =>
    Object.entries(record.families).map(([family, score]) => ({
      family,
      evaluation: record.name,
      mean: score.mean,
      low: score.mean - score.standardError,
      high: score.mean + score.standardError,
    })),
  );
  if (rows.length === 0) return undefined;
  const offset = { field: 'evaluation', sort: null };
  return panel('Held-out reward by family (± standard error)', {
    data: { values: rows },
    encoding: {
      x: { field: 'family', type: 'nominal', title: null, sort: null, axis: { labelAngle: 0 } },
      xOffset: offset,
    },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          y: { field: 'mean', type: 'quantitative', title: 'reward' },
          color: {
            field: 'evaluation',
            type: 'nominal',
            sort: null,
            scale: { range: ['#bab0ac', '#e45756'] },
          },
        },
      },
      {
        mark: 'rule',
        encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
      },
    ],
  });
}

function ratioPanel({ iterations }: RunHistory): Panel {
  const rows: Rows = iterations.flatMap(({ iteration, ratio, clipRange }) =>
    positive([
      { iteration, series: 'std', value: ratio.std },
      { iteration, series: 'largest |ratio − 1|', value: ratio.maxDeviation },
      { iteration, series: 'clipRange', value: clipRange },
    ]),
  );
  return panel('Ratios: how far from 1', {
    data: { values: rows },
    mark: lineMark(iterations),
    encoding: {
      x: ITERATION,
      y: logarithmic('distance from 1'),
      color: series(['#4c78a8', '#9ecae9', '#777777']),
    },
  });
}

function clipPanel({ iterations }: RunHistory): Panel {
  return panel('Clip fraction: ratios outside 1 ± clipRange', {
    data: {
      values: iterations.map(({ iteration, clipFraction }) => ({ iteration, clipFraction })),
    },
    mark: { ...lineMark(iterations), color: '#f58518' },
    encoding: {
      x: ITERATION,
      y: {
        field: 'clipFraction',
        type: 'quantitative',
        title: 'fraction',
        axis: { format: '%', tickMinStep: 0.01 },
      },
    },
  });
}

function timestepPanel({ iterations }: RunHistory): Panel | undefined {
  const rows: Rows = iterations.flatMap(({ iteration, ratioPerTimestep }) =>
    positive(ratioPerTimestep.map(({ timestep, std }) => ({ iteration, timestep, value: std }))),
  );
  if (rows.length === 0) return undefined;
  return panel('Std of the ratio by timestep', {
    data: { values: rows },
    mark: { ...lineMark(iterations), strokeWidth: 1.3 },
    encoding: {
      x: ITERATION,
      y: logarithmic('std'),
      color: {
        field: 'timestep',
        type: 'ordinal',
        sort: 'descending',
        scale: { scheme: 'viridis' },
        legend: { columns: 8 },
      },
    },
  });
}

function klPanel({ iterations }: RunHistory): Panel {
  const rows: Rows = iterations.flatMap(({ iteration, approxKl, klReference }) =>
    positive([
      { iteration, series: 'old policy (approxKl)', value: approxKl },
      ...(klReference === undefined
        ? []
        : [{ iteration, series: 'base model', value: klReference }]),
    ]),
  );
  return panel('Divergence', {
    data: { values: rows },
    mark: lineMark(iterations),
    encoding: {
      x: ITERATION,
      y: logarithmic('KL'),
      color: series(['#54a24b', '#b279a2']),
    },
  });
}

function gradientPanel({ iterations }: RunHistory): Panel {
  return panel('Gradient norm, before clipping', {
    data: {
      values: iterations.map(({ iteration, gradientNorm }) => ({ iteration, gradientNorm })),
    },
    mark: { ...lineMark(iterations), color: '#4c78a8' },
    encoding: {
      x: ITERATION,
      y: { field: 'gradientNorm', type: 'quantitative', title: 'norm', scale: { zero: true } },
    },
  });
}

function secondsPanel({ iterations }: RunHistory): Panel {
  const rows: Rows = iterations.flatMap(({ iteration, seconds }) =>
    PHASES.map((phase, order) => ({ iteration, phase, order, seconds: seconds[phase] })),
  );
  return panel('Seconds by phase', {
    data: { values: rows },
    mark: iterations.length < 3 ? { type: 'bar', width: 20 } : { type: 'area' },
    encoding: {
      x: ITERATION,
      y: { field: 'seconds', type: 'quantitative', stack: 'zero', title: 'seconds' },
      order: { field: 'order', type: 'quantitative' },
      color: { field: 'phase', type: 'nominal', scale: { domain: PHASES, scheme: 'tableau10' } },
    },
  });
}

function panel(title: string, content: Panel): Panel {
  return { title, width: WIDTH, height: HEIGHT, ...content };
}

function logarithmic(title: string): Panel {
  return {
    field: 'value',
    type: 'quantitative',
    title,
    scale: { type: 'log' },
    axis: { format: '.0e', tickCount: 5 },
  };
}

/** A line through a single point would not be seen. */
function lineMark(iterations: RunHistory['iterations']): { type: 'line'; point: boolean } {
  return { type: 'line', point: iterations.length < 3 };
}

function series(range: readonly string[]): Panel {
  return { field: 'series', type: 'nominal', sort: null, scale: { range } };
}

/** A logarithmic axis has no place for 0, as before the first update, nor for figures that are not finite. */
function positive(rows: ({ value: number } & Record<string, unknown>)[]): Rows {
  return rows.filter(({ value }) => value > 0 && Number.isFinite(value));
}
