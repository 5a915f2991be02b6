/** Drawings with several panels: what they have in common, and how they become PNG files. */
import type { TopLevelSpec } from 'vega-lite';

import { FONT_FAMILY, svgToPng } from './svg-to-png';

/** A part of a Vega-Lite specification, whose own types are too deep for the compiler to check. */
export type Panel = Record<string, unknown>;
export type Rows = Record<string, unknown>[];
export type PlotSpec = TopLevelSpec;

const WIDTH = 440;
const HEIGHT = 190;
const HEADING = { fontWeight: 'normal', fontSize: 12, frame: 'bounds' };

export async function renderPlot(plot: PlotSpec): Promise<Uint8Array> {
  return svgToPng(await plotSvg(plot), { scale: 1.5 });
}

/** The drawing as SVG, whose texts take the reader's fonts. */
export async function plotSvg(plot: PlotSpec): Promise<string> {
  // Loaded here because a run without plots should not pay for them.
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const { spec } = vegaLite.compile(plot);
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Panels, two a row, each with colours and a legend of its own, under a line of text where one is given. */
export function plotSpec(panels: readonly Panel[], heading?: string): PlotSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(heading === undefined ? {} : { title: { text: heading, ...HEADING } }),
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
  } as unknown as PlotSpec;
}

export function panel(title: string, content: Panel): Panel {
  return { title, width: WIDTH, height: HEIGHT, ...content };
}

/** The colour channel of rows that name their `series`, in the order of their first rows. */
export function series(range: readonly string[]): Panel {
  return { field: 'series', type: 'nominal', sort: null, scale: { range } };
}
