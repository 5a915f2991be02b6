/** `curves.png`: a run at a glance. */
import { capitalized, evaluatedReward, evaluationKind } from '../run-folder/evaluation-words';
import { pointsOf, thinned, type RunHistory } from '../run-folder/run-history';
import { panel, plotSpec, renderPlot, series, type Panel, type PlotSpec, type Rows } from './plot';

/** Draws the curves of a run; needs at least one iteration or evaluation. */
export async function renderCurves(history: RunHistory): Promise<Uint8Array> {
  return renderPlot(curvesSpec(thinned(history, MOST_POINTS)));
}

const MOST_POINTS = 1000;

const PHASES = ['text', 'rollout', 'decode', 'reward', 'update'] as const;

/** The drawing as a Vega-Lite specification. */
export function curvesSpec(history: RunHistory): PlotSpec {
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
  return plotSpec(panels);
}

const ITERATION = {
  field: 'iteration',
  type: 'quantitative',
  title: 'iteration',
  axis: { grid: false, tickMinStep: 1, format: 'd' },
  scale: { nice: false },
};

function rewardPanel(history: RunHistory): Panel {
  const { iterations, evaluations } = history;
  const training: Rows = iterations.map(({ iteration, reward }) => ({
    iteration,
    mean: reward.mean,
    low: reward.mean - reward.std,
    high: reward.mean + reward.std,
    series: 'training (± std)',
  }));
  const heldOut: Rows = pointsOf(history).map(({ iteration, record }) => ({
    iteration,
    mean: record.mean,
    low: record.mean - record.standardError,
    high: record.mean + record.standardError,
    series: `${evaluationKind(record)} (± standard error)`,
  }));
  const best: Rows = evaluations
    .filter(({ record }) => record.name.startsWith('best'))
    .map(({ record }) => ({
      mean: record.mean,
      series: `${record.name.replace('-', ' ')}, guidance ${String(record.settings.guidance)}`,
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
        data: { values: best },
        mark: { type: 'rule', strokeDash: [5, 4] },
        encoding: { x: null, y: mean, color },
      },
    ],
  });
}

function familyPanel(history: RunHistory): Panel | undefined {
  const own = pointsOf(history);
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
  return panel(`${capitalized(evaluatedReward(last.record))} by family (± standard error)`, {
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

/** A logarithmic axis has no place for 0, as before the first update, nor for figures that are not finite. */
function positive(rows: ({ value: number } & Record<string, unknown>)[]): Rows {
  return rows.filter(({ value }) => value > 0 && Number.isFinite(value));
}
