/**
 * Turns a run's results into docs/performance.md and its charts.
 *
 *   npm run bench:report -- runs/bench/results.json [--docs FOLDER]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { format } from 'prettier';

import { workspaceRoot } from '../check/workspace';
import { phaseChart, ratioChart, scalingChart } from './report/charts';
import { phaseRows, ratioRows, scalingRows } from './report/facts';
import { performancePage, type ChartLinks } from './report/markdown';
import { renderChart, type ChartSpec } from './report/render-chart';
import type { Results } from './results';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { docs: { type: 'string', default: join(workspaceRoot, 'docs') } },
});
const [file] = positionals;
if (file === undefined) {
  console.error('Say which results: npm run bench:report -- runs/bench/results.json');
  process.exit(2);
}
const results = JSON.parse(readFileSync(file, 'utf8')) as Results;
const images = join(values.docs, 'images');
mkdirSync(images, { recursive: true });

/** Draws the chart where there is something to draw; its path as the page links it. */
async function draw<Row>(
  name: string,
  rows: readonly Row[],
  chart: (rows: readonly Row[]) => ChartSpec,
): Promise<ChartLinks> {
  if (rows.length === 0) return {};
  const image = `performance-${name}.png`;
  writeFileSync(join(images, image), await renderChart(chart(rows)));
  return { [name]: `images/${image}` };
}

// WebAssembly is so much slower that no other bar would be seen beside it.
const drawnRatios = ratioRows(results).filter(({ caseName }) => caseName !== 'wasm');
const charts: ChartLinks = {
  ...(await draw('ratios', drawnRatios, ratioChart)),
  ...(await draw('phases', phaseRows(results), phaseChart)),
  ...(await draw('scaling', scalingRows(results), scalingChart)),
};
const page = join(values.docs, 'performance.md');
writeFileSync(page, await format(performancePage(results, charts), { parser: 'markdown' }));
console.log(page);
