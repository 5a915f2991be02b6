import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { exampleHistory, exampleIteration } from '../testing/example-run';
import { curvesSpec } from './curves';

interface Panel {
  title: string;
  data?: { values: unknown[] };
  layer?: { data?: { values: unknown[] } }[];
}

function panels(history: Parameters<typeof curvesSpec>[0]): Panel[] {
  return (curvesSpec(history) as unknown as { concat: Panel[] }).concat;
}

test('there is a panel for everything that is watched', () => {
  expect(panels(exampleHistory(10)).map(({ title }) => title)).toEqual([
    'Reward',
    'Held-out reward by family (± standard error)',
    'Ratios: how far from 1',
    'Clip fraction: ratios outside 1 ± clipRange',
    'Std of the ratio by timestep',
    'Divergence',
    'Gradient norm, before clipping',
    'Seconds by phase',
  ]);
});

test('base evaluations are lines to compare with, not points of the run', () => {
  const [reward] = panels(exampleHistory(10));
  const values = reward?.layer?.map(({ data }) => data?.values.length);
  expect(values).toEqual([10, 10, 3, 3, 3, 1]);
});

test('zeros and figures that are not finite have no place on a logarithmic axis', () => {
  const first = {
    ...exampleIteration(1),
    ratio: { mean: 1, std: 0, maxDeviation: 0 },
    approxKl: 0,
    klReference: Number.NaN,
    ratioPerTimestep: [{ timestep: 1, mean: 1, std: 0, clipFraction: 0 }],
  };
  const found = panels({ iterations: [first], evaluations: [] });
  const titles = found.map(({ title }) => title);
  expect(titles).not.toContain('Std of the ratio by timestep');
  expect(found[titles.indexOf('Divergence')]?.data?.values).toEqual([]);
  expect(found[titles.indexOf('Ratios: how far from 1')]?.data?.values).toHaveLength(1);
});

// Vega awaits at its top level, which jest cannot load: a process of its own draws. It compiles what it needs, which takes
// long on a busy machine.
test('draws a PNG that is not blank', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  try {
    const path = join(folder, 'curves.png');
    const program = join(__dirname, '..', 'testing', 'draw-example-curves.ts');
    const flags = ['-C', '@loop/source', '--import', 'tsx'];
    execFileSync(process.execPath, [...flags, program, path]);
    const { channels } = await sharp(path).stats();
    const { format, width, height } = await sharp(path).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(1000);
    expect(height).toBeGreaterThan(1000);
    for (const { stdev } of channels.slice(0, 3)) expect(stdev).toBeGreaterThan(5);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 180_000);

test('evaluations on training prompts are not called held-out', () => {
  const { iterations, evaluations } = exampleHistory(10);
  const trained = evaluations.map((evaluation) => ({
    ...evaluation,
    record: { ...evaluation.record, trainedOn: true },
  }));
  const spec = JSON.stringify(curvesSpec({ iterations, evaluations: trained }));
  expect(spec).toContain('training prompts (± standard error)');
  expect(spec).toContain('Reward on training prompts by family');
  expect(spec).not.toMatch(/held.?out/i);
});
