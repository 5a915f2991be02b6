/** `gradient-variance.png`: how each estimator's variance depends on k, beside what theory gives. */
import {
  panel,
  plotSpec,
  renderPlot,
  type Panel,
  type PlotSpec,
  type Rows,
} from '../tracking/plot';
import type { Estimate } from './bootstrap';
import type { EstimatorVariance, GradientVariance } from './gradient-variance';

export async function renderVariance(variance: GradientVariance): Promise<Uint8Array> {
  return renderPlot(varianceSpec(variance));
}

/** The drawing as a Vega-Lite specification. */
export function varianceSpec({ estimators, prompts, images }: GradientVariance): PlotSpec {
  const sizes = estimators.flatMap(({ k }) => k ?? []);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const names = [...new Set(estimators.map(({ estimator }) => estimator))];
  const color: Panel = {
    field: 'estimator',
    type: 'nominal',
    scale: { domain: names, scheme: 'tableau10' },
    legend: { symbolType: 'stroke', symbolOpacity: 1, columns: 3 },
  };
  // A longer title than the axis moves the panels apart.
  const axis = 'variance, REINFORCE = 1';
  /** Who does not compare images has the same variance for every k. */
  const rowsOf = (of: (row: EstimatorVariance) => Record<string, number> | undefined): Rows =>
    // The first is drawn last, over those that are the same.
    [...estimators].reverse().flatMap((row) => {
      const figures = of(row);
      if (figures === undefined) return [];
      const at = row.k === null ? [least, most] : [row.k];
      return at.map((k) => ({ estimator: row.estimator, k, ...figures }));
    });
  const y = (field: string, title: string): Panel => ({
    y: { field, type: 'quantitative', title, scale: { zero: title === axis } },
  });
  const drawn = (
    title: string,
    axis: string,
    of: (row: EstimatorVariance) => Estimate | null,
    theoryOf?: (row: EstimatorVariance) => number | undefined,
  ): Panel => {
    const values = rowsOf((row) => {
      const estimate = of(row);
      return estimate === null ? undefined : { ...estimate };
    });
    const theory = rowsOf((row) => {
      const value = theoryOf?.(row);
      return value === undefined ? undefined : { theory: value };
    });
    return panel(title, {
      encoding: {
        x: {
          field: 'k',
          type: 'quantitative',
          title: 'k',
          scale: { type: 'log', base: 2, nice: false, padding: 8 },
          axis: { grid: false, values: [...new Set(sizes)], format: 'd' },
        },
        color,
      },
      layer: [
        {
          data: { values: theory },
          mark: { type: 'line', strokeDash: [5, 4] },
          encoding: y('theory', axis),
        },
        { data: { values }, mark: 'rule', encoding: { ...y('low', axis), y2: { field: 'high' } } },
        {
          data: { values },
          mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: y('value', axis),
        },
      ],
    });
  };
  return plotSpec(
    [
      drawn(
        'Within a prompt',
        axis,
        ({ relative }) => relative,
        ({ theory }) => theory?.relative,
      ),
      drawn('With the variance between prompts', axis, ({ withPrompts }) => withPrompts),
      drawn('Measured / theory', 'ratio', ({ toTheory }) => toTheory),
      drawn('At equal length of the gradient', axis, ({ atEqualLength }) => atEqualLength),
    ],
    `Points: measured, ${String(images)} images of ${String(prompts)} prompts, with 95 % intervals. Dashed: theory.`,
  );
}
