/** What a search found: a table of its runs, the curve of each setting, and the best one on new seeds. */
import { join } from 'node:path';

import type { CurvePoint } from '@loop-diffusion/bayesian-search';

import { writeFileAtomically } from '../files/write-atomically';
import { meanWithError } from '../statistics';
import { reportHtml } from '../study/report/html';
import { reportMarkdown, type StudyReport } from '../study/report/markdown';
import type { StudyTable } from '../study/report/tables';
import { signedWithError } from '../terminal/words';
import { panel, plotSpec, plotSvg, type PlotSpec } from '../tracking/plot';
import { svgToPng } from '../tracking/svg-to-png';
import { settingsText, type SearchEnd } from './run-search';
import type { SearchedSetting, SearchSettings } from './search-file';
import { valueText } from './space';

export interface SearchCurve {
  readonly setting: string;
  readonly points: readonly (CurvePoint & { readonly label: string })[];
}

export interface SearchReport {
  readonly best:
    | { readonly run: number; readonly text: string; readonly mean: number; readonly error: number }
    | undefined;
  /** Over the new seeds; NaN where there are none. */
  readonly confirmed: {
    readonly mean: number;
    readonly standardError: number;
    readonly seeds: number;
  };
  readonly curves: readonly SearchCurve[];
}

export function reportOf(settings: SearchSettings, { search, confirmed }: SearchEnd): SearchReport {
  const best = search.best();
  const gains = confirmed.map(({ gain }) => gain.mean);
  return {
    best: best && {
      run: best.run + 1,
      text: settingsText(settings, best),
      mean: best.mean,
      error: best.standardDeviation,
    },
    confirmed: { ...meanWithError(gains), seeds: gains.length },
    curves: Object.entries(settings.settings).map(([setting, given]) => ({
      setting,
      points: search.partialDependence(setting).map((point) => ({
        ...point,
        label: valueText(given, point.value),
      })),
    })),
  };
}

/** Tables, `report.md`, `report.html` and `curves.png`. */
export async function writeSearchReport(
  folder: string,
  settings: SearchSettings,
  end: SearchEnd,
  about: { readonly title: string; readonly command: string },
): Promise<SearchReport> {
  const found = reportOf(settings, end);
  const report: StudyReport = {
    ...about,
    notes: end.notes,
    tables: searchTables(settings, end, found),
  };
  const svg = await plotSvg(searchSpec(settings, end, found));
  writeFileAtomically(join(folder, 'result.json'), `${JSON.stringify(found, null, 2)}\n`);
  writeFileAtomically(join(folder, 'curves.png'), await svgToPng(svg, { scale: 1.5 }));
  writeFileAtomically(
    join(folder, 'report.md'),
    reportMarkdown(report, [{ file: 'curves.png', shows: 'What each setting does' }]),
  );
  writeFileAtomically(join(folder, 'report.html'), reportHtml(report, svg, undefined));
  return found;
}

export function searchTables(
  settings: SearchSettings,
  { runs, confirmed }: SearchEnd,
  { best }: SearchReport,
): StudyTable[] {
  const names = Object.keys(settings.settings);
  const tables: StudyTable[] = [
    {
      title: 'Best setting',
      about:
        'What is believed of its gain from all runs, ± the standard deviation of the belief; then the gain on seeds that no run had.',
      rows: [
        ['', 'gain'],
        ...(best === undefined
          ? []
          : [[`run ${String(best.run)}: ${best.text}`, signedWithError(best.mean, best.error)]]),
        ...confirmed.map(({ seed, gain }) => [
          `seed ${String(seed)}`,
          signedWithError(gain.mean, gain.standardError),
        ]),
      ],
    },
    {
      title: 'Runs',
      about: 'Gain of held-out reward ± the standard error over images, as it was measured.',
      rows: [
        ['run', 'chosen to', ...names, 'gain'],
        ...runs.map((run, index) => [
          ...[String(index + 1), run.purpose],
          ...names.map((name) => valueText(settings.settings[name], run.settings[name] ?? '')),
          run.gain === undefined
            ? 'failed'
            : signedWithError(run.gain.mean, run.gain.standardError),
        ]),
      ],
    },
  ];
  return tables.filter(({ rows }) => rows.length > 1);
}

/** A panel for each setting, and one of the gains in their order. */
export function searchSpec(
  settings: SearchSettings,
  { runs }: Pick<SearchEnd, 'runs'>,
  { curves }: SearchReport,
): PlotSpec {
  const gain = { type: 'quantitative', title: 'gain', scale: { zero: false } };
  const band = { y: { field: 'low', ...gain }, y2: { field: 'high' } };
  const line = { y: { field: 'mean', ...gain } };
  const color = { value: '#4c78a8' };
  let best = -Infinity;
  const order = runs.flatMap((run, index) => {
    if (run.gain === undefined) return [];
    best = Math.max(best, run.gain.mean);
    const { mean: value, standardError } = run.gain;
    const low = value - standardError;
    return [
      { run: index + 1, value, low, high: value + standardError, best, purpose: run.purpose },
    ];
  });
  return plotSpec([
    panel('Gain of each run ± standard error, and the best so far', {
      data: { values: order },
      encoding: {
        x: {
          field: 'run',
          type: 'quantitative',
          title: 'run',
          axis: { tickMinStep: 1, format: 'd' },
        },
      },
      layer: [
        {
          mark: { type: 'line', interpolate: 'step-after', color: '#aaa' },
          encoding: { y: { field: 'best', ...gain } },
        },
        { mark: 'rule', encoding: band },
        {
          mark: { type: 'point', filled: true, size: 50, opacity: 1 },
          encoding: {
            y: { field: 'value', ...gain },
            color: { field: 'purpose', type: 'nominal', legend: { title: null } },
          },
        },
      ],
    }),
    ...curves.map(({ setting, points }) => {
      const type = scaleOf(settings.settings[setting]);
      const onLine = type !== undefined && points.length > FEW_VALUES;
      const x = onLine
        ? {
            field: 'value',
            type: 'quantitative',
            title: setting,
            scale: { type, nice: false },
          }
        : { field: 'label', type: 'ordinal', title: setting, sort: null };
      return panel(`${setting}: mean over the other settings, 95 % of the belief`, {
        data: { values: points },
        encoding: { x },
        layer: onLine
          ? [
              { mark: { type: 'area', opacity: 0.2 }, encoding: { ...band, color } },
              { mark: { type: 'line' }, encoding: { ...line, color } },
            ]
          : [
              { mark: { type: 'rule', strokeWidth: 2 }, encoding: { ...band, color } },
              {
                mark: { type: 'point', filled: true, size: 60, opacity: 1 },
                encoding: { ...line, color },
              },
            ],
      });
    }),
  ]);
}

/** So many values are drawn each by itself. */
const FEW_VALUES = 6;

/** Of a range; values and levels have none. */
function scaleOf(setting: SearchedSetting | undefined): 'log' | 'linear' | undefined {
  if (setting === undefined || !('scale' in setting)) return undefined;
  return setting.scale === 'log' || setting.scale === 'power-of-two' ? 'log' : 'linear';
}
