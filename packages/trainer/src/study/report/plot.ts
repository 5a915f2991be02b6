/** A study's drawings: curves with bands, final rewards with intervals, performance profiles. */
import { panel, plotSpec, type Panel, type PlotSpec, type Rows } from '../../tracking/plot';
import type { Outcome } from '../outcome';
import type { StudySummary } from '../summary';

/** Colours tell apart no more. */
export const MOST_COLOURS = 20;

/** The drawing as a Vega-Lite specification. */
export function studySpec(summary: StudySummary, outcomes: readonly Outcome[]): PlotSpec {
  const names = summary.variants.map(({ name }) => name);
  const color: Panel = {
    field: 'variant',
    type: 'nominal',
    scale: { domain: names, scheme: names.length > 10 ? 'tableau20' : 'tableau10' },
    legend: { symbolType: 'stroke', symbolOpacity: 1, columns: 3 },
  };
  const x = (field: string, title: string) => ({ x: { field, type: 'quantitative', title } });
  const y = (field: string, title = 'reward') => ({
    y: { field, type: 'quantitative', title, scale: { zero: false } },
  });
  const band = {
    mark: { type: 'area', opacity: 0.15 },
    encoding: { ...y('low'), y2: { field: 'high' } },
  };
  const line = { mark: { type: 'line' }, encoding: y('mean') };
  const interval = {
    x: { field: 'low', type: 'quantitative', title: 'held-out reward', scale: { zero: false } },
    x2: { field: 'high' },
    y: { field: 'variant', type: 'nominal', title: null, sort: names, axis: { labelLimit: 220 } },
    color: { ...color, legend: null },
  };
  const panels = [
    panel('Training reward: mean over seeds, and their range', {
      data: { values: trainingRows(outcomes, names) },
      encoding: { ...x('images', 'images scored'), color },
      layer: [band, line],
    }),
    panel('Held-out reward: mean over seeds, and their range', {
      data: { values: heldOutRows(outcomes, names) },
      encoding: { ...x('images', 'images scored'), color },
      layer: [band, { ...line, mark: { type: 'line', point: true } }],
    }),
    panel('Held-out reward at the end, 95 % intervals', {
      data: {
        values: summary.variants.map(({ name, mean }) => ({ variant: name, ...mean })),
      },
      layer: [
        { mark: { type: 'rule', strokeWidth: 2 }, encoding: interval },
        {
          mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: {
            x: { field: 'value', type: 'quantitative' },
            y: interval.y,
            color: interval.color,
          },
        },
      ],
    }),
    panel('Performance profile: how many images are above', {
      data: {
        values: summary.variants.flatMap(({ name, profile }) =>
          profile.map(({ threshold, fraction }) => ({
            ...{ variant: name, threshold, mean: fraction.value },
            ...{ low: fraction.low, high: fraction.high },
          })),
        ),
      },
      encoding: { ...x('threshold', 'held-out reward'), color },
      layer: [
        { mark: band.mark, encoding: { ...y('low', 'fraction'), y2: { field: 'high' } } },
        { mark: { type: 'line' }, encoding: y('mean', 'fraction') },
      ],
    }),
  ];
  return plotSpec(panels);
}

function trainingRows(outcomes: readonly Outcome[], names: readonly string[]): Rows {
  return names.flatMap((name) =>
    overSeeds(
      name,
      outcomes
        .filter(({ variant }) => variant === name)
        .map(({ training }) => training.map(({ images, reward }) => ({ images, reward }))),
    ),
  );
}

function heldOutRows(outcomes: readonly Outcome[], names: readonly string[]): Rows {
  return names.flatMap((name) =>
    overSeeds(
      name,
      outcomes
        .filter(({ variant }) => variant === name)
        .map(({ evaluations }) =>
          evaluations.map(({ images, record }) => ({ images, reward: record.mean })),
        ),
    ),
  );
}

/** Mean, lowest and highest where all seeds have a point. */
function overSeeds(
  variant: string,
  curves: readonly (readonly { readonly images: number; readonly reward: number }[])[],
): Rows {
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length: Number.isFinite(length) ? length : 0 }, (_, index) => {
    const rewards = curves.map((curve) => curve[index]?.reward ?? Number.NaN);
    return {
      variant,
      images: curves[0]?.[index]?.images,
      mean: rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length,
      low: Math.min(...rewards),
      high: Math.max(...rewards),
    };
  });
}
