/**
 * Turns results into docs/performance.md and its charts: a section for each file, which is for each kind of processor.
 *
 *   npm run bench:report -- runs/bench/results.json [OTHER.json …] [--docs FOLDER]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { format } from 'prettier';

import { workspaceRoot } from '../check/workspace';
import { phaseChart, ratioChart, scalingChart } from './report/charts';
import { byProcessorKind, phaseRows, processorKind, ratioRows, scalingRows } from './report/facts';
import { performancePage, type ChartLinks, type ReportedRun } from './report/markdown';
import { renderChart, type ChartSpec } from './report/render-chart';
import type { Results } from './results';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { docs: { type: 'string', default: join(workspaceRoot, 'docs') } },
});
if (positionals.length === 0) {
  console.error('Say which results: npm run bench:report -- runs/bench/results.json');
  process.exit(2);
}
const runs = byProcessorKind(
  positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results),
);
const slugs = runs.map(({ machine }) => processorKind(machine).slug);
const repeated = slugs.find((slug, index) => slugs.indexOf(slug) !== index);
if (repeated !== undefined) {
  console.error(`Two of these results are of one kind of processor, ${repeated}.`);
  process.exit(2);
}
const images = join(values.docs, 'images');
mkdirSync(images, { recursive: true });

/** Draws the charts that there is something to draw of; their paths as the page links them. */
async function drawCharts(results: Results): Promise<ChartLinks> {
  const { slug } = processorKind(results.machine);
  const draw = async <Row>(
    name: string,
    rows: readonly Row[],
    chart: (rows: readonly Row[]) => ChartSpec,
  ): Promise<ChartLinks> => {
    if (rows.length === 0) return {};
    const image = `performance-${slug}-${name}.png`;
    writeFileSync(join(images, image), await renderChart(chart(rows)));
    return { [name]: `images/${image}` };
  };
  // WebAssembly is so much slower that no other bar would be seen beside it.
  const drawnRatios = ratioRows(results).filter(({ caseName }) => caseName !== 'wasm');
  return {
    ...(await draw('ratios', drawnRatios, ratioChart)),
    ...(await draw('phases', phaseRows(results), phaseChart)),
    ...(await draw('scaling', scalingRows(results), scalingChart)),
  };
}

const reported: ReportedRun[] = [];
for (const results of runs) reported.push({ results, charts: await drawCharts(results) });
const page = join(values.docs, 'performance.md');
writeFileSync(page, await format(performancePage(reported), { parser: 'markdown' }));
console.log(page);
