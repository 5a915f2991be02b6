import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run, workspaceRoot } from '../check/workspace';
import { phaseChart, ratioChart, scalingChart } from './report/charts';
import {
  byProcessorKind,
  machineRate,
  phaseRows,
  processorKind,
  rateRows,
  ratioRows,
  scalingRows,
} from './report/facts';
import { performancePage } from './report/markdown';
import type { Results } from './results';

const fixture = join(workspaceRoot, 'tools', 'bench', 'fixtures', 'results.json');
const results = JSON.parse(readFileSync(fixture, 'utf8')) as Results;

test('ratios of the fixture, by hand', () => {
  const rows = ratioRows(results).map(({ measure, rival, ratio, met }) => ({
    ...{ measure, rival, ratio, met },
  }));
  expect(rows).toEqual([
    {
      measure: 'matrix product, square',
      rival: 'PyTorch, channels last',
      ratio: 1,
      met: undefined,
    },
    { measure: 'total', rival: 'TRL', ratio: 2.2, met: true },
    { measure: 'rollout', rival: 'PyTorch', ratio: 1.2, met: false },
    { measure: 'peakMegabytes', rival: 'PyTorch', ratio: 0.5, met: undefined },
  ]);
});

test('the machine does 2e9 operations in 20 ms, and ours takes 5 s for the 4e11 of a rollout', () => {
  expect(machineRate(results, 'float32')).toBeCloseTo(100, 9);
  expect(machineRate(results, 'bfloat16')).toBeUndefined();
  const rollout = rateRows(results).find(({ measure }) => measure === 'rollout');
  expect(rollout).toMatchObject({ worker: 'loop-diffusion', rate: 80 });
  expect(rollout?.fraction).toBeCloseTo(0.8, 9);
});

test('bfloat16 is held against the rate in bfloat16', () => {
  const inHalf = (name: string) =>
    results.cases
      .filter((result) => result.name === name)
      .map((result) => ({
        ...{ ...result, name: `${name}-bfloat16`, precision: 'bfloat16' as const },
        // Twice as many operations in the same time.
        operations: { ...result.operations, 'matrix product, square': 4e9 },
      }));
  const iteration = inHalf('iteration-1').map((result) => ({
    ...{ ...result, operations: { rollout: 4e11 } },
  }));
  const fractionIn = (cases: Results['cases']) =>
    rateRows({ ...results, cases }).find(
      ({ caseName, measure }) => caseName === 'iteration-1-bfloat16' && measure === 'rollout',
    )?.fraction;
  // 80 of 200.
  const both = [...results.cases, ...inHalf('operations'), ...iteration];
  expect(fractionIn(both)).toBeCloseTo(0.4, 9);
  expect(fractionIn([...results.cases, ...iteration])).toBeUndefined();
});

test('phases and scaling', () => {
  expect(phaseRows(results)).toHaveLength(3 * 5);
  // 8 s for 320 images' steps.
  expect(scalingRows(results)).toEqual([
    { series: 'k', value: 2, milliseconds: 25 },
    { series: 'k', value: 4, milliseconds: 25 },
  ]);
});

test('charts carry the rows', () => {
  const ratio = ratioChart(ratioRows(results)) as { data: { values: unknown[] } };
  expect(ratio.data.values).toHaveLength(4);
  expect(ratio.data.values[1]).toMatchObject({ target: 2, verdict: 'target met' });
  const phase = phaseChart(phaseRows(results)) as { data: { values: unknown[] } };
  expect(phase.data.values).toHaveLength(15);
  expect(scalingChart(scalingRows(results))).toMatchObject({ concat: [{ title: 'by k' }] });
});

test('the page says what was met, what was not, what failed and what was not run', () => {
  const page = performancePage([{ results, charts: { ratios: 'images/ratios.png' } }]);
  expect(page).toContain('## With AVX-512, without AMX: Example processor, 2 cores\n');
  expect(page).toContain('Example processor with avx2, avx512f, 2 cores, 8 GB');
  expect(page).toContain('| iteration-1 | total | TRL | 10.0 s | 22.0 s | **2.20**');
  expect(page).toContain('1.50, not met');
  expect(page).toContain('![Ratios](images/ratios.png)');
  expect(page).not.toContain('![Phases]');
  expect(page).toContain('start failed: TRL ended with status 1: ValueError: no');
  expect(page).toContain('nothing here was run on one');
  expect(page).not.toMatch(/undefined|NaN|mean nothing/);
});

test('without Python the page says so', () => {
  const alone = results.cases.map((result) => ({ ...result, workers: result.workers.slice(0, 1) }));
  const page = performancePage([{ results: { ...results, cases: alone }, charts: {} }]);
  expect(page).toContain('Python was not there');
});

test('kinds of processors have sections of their own, the fastest first', () => {
  const runOn = (...instructionSets: string[]): Results => ({
    ...results,
    machine: { ...results.machine, instructionSets },
  });
  const runs = byProcessorKind([
    runOn(),
    runOn('avx2'),
    runOn('avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'),
    runOn('avx2', 'avx512f', 'avx512_bf16'),
  ]);
  const kinds = ['amx', 'avx-512', 'avx2', 'other'];
  expect(runs.map(({ machine }) => processorKind(machine).slug)).toEqual(kinds);
  const page = performancePage(runs.map((run) => ({ results: run, charts: {} })));
  expect(page.match(/^## .*(?=: Example)/gm)).toEqual([
    '## With AMX',
    '## With AVX-512, without AMX',
    '## With AVX2, without AVX-512',
    '## Without AVX2',
  ]);
  expect(page.match(/^### Ratios$/gm)).toHaveLength(4);
});

test('the command refuses two runs of one kind of processor, whose charts would be one file', async () => {
  const script = join(workspaceRoot, 'tools', 'bench', 'report.ts');
  const { status, output } = await run(process.execPath, [
    ...['-C', '@loop/source', '--import', 'tsx', script, fixture, fixture],
  ]);
  expect(status).toBe(2);
  expect(output).toContain('of one kind of processor, avx-512');
});

test('the command writes the page and its charts', async () => {
  const docs = mkdtempSync(join(tmpdir(), 'loop-diffusion-report-'));
  try {
    const script = join(workspaceRoot, 'tools', 'bench', 'report.ts');
    const { status, output } = await run(process.execPath, [
      ...['-C', '@loop/source', '--import', 'tsx', script, fixture, '--docs', docs],
    ]);
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(readFileSync(join(docs, 'performance.md'), 'utf8')).toContain('# Performance');
    expect(readdirSync(join(docs, 'images')).sort()).toEqual([
      'performance-avx-512-phases.png',
      'performance-avx-512-ratios.png',
      'performance-avx-512-scaling.png',
    ]);
  } finally {
    rmSync(docs, { recursive: true, force: true });
  }
});
