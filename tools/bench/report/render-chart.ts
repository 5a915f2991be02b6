/** Charts as PNG files, drawn as the trainer draws a run's curves. */
import { createRequire } from 'node:module';

import type { parse, View } from 'vega';

/* eslint-disable-next-line @nx/enforce-module-boundaries -- one way of drawing for the whole project */
import { FONT_FAMILY, svgToPng } from '../../../packages/trainer/src/tracking/svg-to-png';

export type ChartSpec = Readonly<Record<string, unknown>>;

/** What is used of vega and vega-lite, which are the trainer's dependencies. */
interface Vega {
  readonly parse: typeof parse;
  readonly View: typeof View;
}
interface VegaLite {
  compile(spec: ChartSpec): { readonly spec: object };
}

const CONFIG = {
  font: FONT_FAMILY,
  view: { stroke: null },
  title: { anchor: 'start', frame: 'group', fontSize: 13, fontWeight: 'bold', offset: 10 },
  axis: { gridColor: '#e8e8e8', domainColor: '#999', tickColor: '#999', titleFontWeight: 'normal' },
  legend: { title: null, orient: 'bottom', labelLimit: 0 },
};

/** @param spec a Vega-Lite specification */
export async function renderChart(spec: ChartSpec): Promise<Uint8Array> {
  const trainer = createRequire(new URL('../../../packages/trainer/package.json', import.meta.url));
  const vega = (await import(trainer.resolve('vega'))) as Vega;
  const vegaLite = (await import(trainer.resolve('vega-lite'))) as VegaLite;
  const compiled = vegaLite.compile({ padding: 16, config: CONFIG, ...spec });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none' });
  try {
    return await svgToPng(await view.toSVG(), { scale: 1.5 });
  } finally {
    view.finalize();
  }
}
