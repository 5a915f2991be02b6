import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { exampleVariance } from '../testing/example-variance';
import { varianceSpec } from './variance-plot';

type Row = Record<string, number | string>;

function layersOf(panel: number): Row[][] {
  const { concat } = varianceSpec(exampleVariance()) as unknown as {
    concat: { layer: { data: { values: Row[] } }[] }[];
  };
  return concat[panel]!.layer.map(({ data }) => data.values);
}

test('who does not compare images is a line over all k, the others a point for each', () => {
  const [theory, , points] = layersOf(0);
  expect(points).toHaveLength(2 * 2 + 4);
  expect(points!.filter(({ estimator }) => estimator === 'batch mean')).toMatchObject([
    { k: 2, value: 0.2 },
    { k: 4, value: 0.2 },
  ]);
  // The first is drawn last.
  expect(points!.at(-1)).toMatchObject({ estimator: 'REINFORCE', k: 4 });
  expect(
    points!.find(({ estimator, k }) => estimator === 'leave-one-out' && k === 2),
  ).toMatchObject({ value: 0.25, low: 0.225 });
  // Without a closed form there is nothing to draw.
  expect(theory!.map(({ estimator }) => estimator)).not.toContain('group deviation');
  expect(theory).toHaveLength(2 * 2 + 2);
});

test('a panel has none of what it does not apply to', () => {
  expect(
    layersOf(1)
      .flat()
      .map(({ estimator }) => estimator),
  ).not.toContain('group deviation');
  expect(layersOf(3)[2]).toHaveLength(8);
});

// As in curves.test.ts: Vega cannot be loaded in jest.
test('draws a PNG that is not blank', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  try {
    const path = join(folder, 'variance.png');
    const program = join(__dirname, '..', 'testing', 'draw-example-variance.ts');
    const flags = ['-C', '@loop/source', '--import', 'tsx'];
    execFileSync(process.execPath, [...flags, program, path]);
    const { channels } = await sharp(path).stats();
    const { format, width } = await sharp(path).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(1000);
    for (const { stdev } of channels.slice(0, 3)) expect(stdev).toBeGreaterThan(5);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 180_000);
