/** `curves.png` of a comparison: the rewards of several runs against iterations, time and images. */
import { evaluationKind } from '../run-folder/evaluation-words';
import { pointsOf, type RunHistory } from '../run-folder/run-history';
import {
  panel,
  plotSpec,
  renderPlot,
  type Panel,
  type PlotSpec,
  type Rows,
} from '../tracking/plot';
import { smoothedRewards, SMOOTHED_ITERATIONS, type RunFigures } from './compare-runs';

/** A run as it is drawn. */
export type DrawnRun = Pick<RunFigures, 'name' | 'seconds'> & { readonly history: RunHistory };

/** More could not be told apart by their colours. */
export const MOST_RUNS = 20;

export async function renderComparison(runs: readonly DrawnRun[]): Promise<Uint8Array> {
  return renderPlot(comparisonSpec(runs));
}

/** The drawing as a Vega-Lite specification. */
export function comparisonSpec(runs: readonly DrawnRun[]): PlotSpec {
  const training = runs.flatMap(trainingRows);
  const heldOut = runs.flatMap(heldOutRows);
  const color: Panel = {
    field: 'run',
    type: 'nominal',
    scale: {
      domain: runs.map(({ name }) => name),
      scheme: runs.length > 10 ? 'tableau20' : 'tableau10',
    },
    legend: { symbolType: 'stroke', symbolOpacity: 1, columns: 3 },
  };
  const against = (field: keyof typeof AXES, title: string) =>
    panel(`Reward by ${title}`, {
      encoding: { x: { field, type: 'quantitative', title, axis: AXES[field] }, color },
      layer: [
        { data: { values: training }, mark: { type: 'line', ...FAINT }, encoding: y('reward') },
        {
          data: { values: training },
          mark: { type: 'line', point: few(runs) },
          encoding: y('smoothed'),
        },
        {
          data: { values: heldOut },
          mark: 'rule',
          encoding: { ...y('low'), y2: { field: 'high' } },
        },
        { data: { values: heldOut }, mark: HELD_OUT_MARK, encoding: y('mean') },
      ],
    });
  const kinds = runs.flatMap(({ history }) =>
    pointsOf(history).map(({ record }) => evaluationKind(record)),
  );
  const diamonds = [...new Set(kinds)].sort().join(' or ') || 'held-out';
  return plotSpec(
    [
      against('iteration', 'iterations'),
      against('seconds', 'seconds of training'),
      against('images', 'images scored'),
      secondsPanel(runs),
    ],
    `Faint: training. Line: mean of ${String(SMOOTHED_ITERATIONS)} iterations. Diamonds: ${diamonds} ± standard error.`,
  );
}

const WHOLE = { grid: false, tickMinStep: 1, format: 'd' };
const AXES = { iteration: WHOLE, seconds: { grid: false }, images: WHOLE };

const FAINT = { opacity: 0.25, strokeWidth: 1 };
const HELD_OUT_MARK = { type: 'point', shape: 'diamond', filled: true, size: 80, opacity: 1 };

function y(field: string): Panel {
  return { y: { field, type: 'quantitative', title: 'reward', scale: { zero: false } } };
}

/** A line through a single point would not be seen. */
function few(runs: readonly DrawnRun[]): boolean {
  return runs.some(({ history }) => history.iterations.length < 3);
}

function trainingRows({ name, history }: DrawnRun): Rows {
  const smoothed = smoothedRewards(history);
  const progress = progressOf(history);
  return history.iterations.map(({ iteration, reward }, index) => ({
    run: name,
    iteration,
    ...progress.get(iteration),
    reward: reward.mean,
    smoothed: smoothed[index],
  }));
}

function heldOutRows({ name, history }: DrawnRun): Rows {
  const progress = progressOf(history);
  return pointsOf(history).map(({ iteration, record }) => ({
    run: name,
    iteration,
    ...progress.get(iteration),
    mean: record.mean,
    low: record.mean - record.standardError,
    high: record.mean + record.standardError,
  }));
}

/** What each number of iterations has cost; the seconds are those of the iterations, without evaluations. */
function progressOf({ iterations }: RunHistory): Map<number, { seconds: number; images: number }> {
  let seconds = 0;
  let images = 0;
  const progress = new Map([[0, { seconds, images }]]);
  for (const record of iterations) {
    seconds += Object.values(record.seconds).reduce((sum, phase) => sum + phase, 0);
    images += record.images;
    progress.set(record.iteration, { seconds, images });
  }
  return progress;
}

function secondsPanel(runs: readonly DrawnRun[]): Panel {
  const phases = [...new Set(runs.flatMap(({ seconds }) => Object.keys(seconds.byPhase)))];
  return panel('Seconds by phase', {
    data: {
      values: runs.flatMap(({ name, seconds }) =>
        Object.entries(seconds.byPhase).map(([phase, value]) => ({
          run: name,
          phase,
          order: phases.indexOf(phase),
          value,
        })),
      ),
    },
    mark: 'bar',
    encoding: {
      y: { field: 'run', type: 'nominal', title: null, sort: null, axis: { labelLimit: 140 } },
      x: { field: 'value', type: 'quantitative', title: 'seconds' },
      order: { field: 'order', type: 'quantitative' },
      color: { field: 'phase', type: 'nominal', scale: { domain: phases, scheme: 'tableau10' } },
    },
  });
}
