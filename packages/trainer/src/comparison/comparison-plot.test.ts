import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { exampleHistory } from '../testing/example-run';
import { comparisonSpec } from './comparison-plot';

interface Layer {
  data: { values: Record<string, number | string>[] };
}

function spec() {
  const seconds = { total: 1, byPhase: { rollout: 1 } };
  return comparisonSpec([
    { name: 'a', history: exampleHistory(10), seconds },
    { name: 'b', history: exampleHistory(4), seconds },
  ]) as unknown as { concat: { layer: Layer[]; encoding: { x?: object } }[] };
}

function layers(): Layer[] {
  return spec().concat[0]?.layer ?? [];
}

test('there is no half iteration and no half image', () => {
  const [iterations, seconds, images] = spec().concat.map(({ encoding }) => encoding.x);
  const whole = { axis: { tickMinStep: 1, format: 'd' } };
  expect([iterations, images]).toMatchObject([whole, whole]);
  expect(seconds).not.toMatchObject(whole);
});

test('every run has its iterations, and its held-out evaluations with their errors', () => {
  expect(layers().map(({ data }) => data.values.length)).toEqual([14, 14, 6, 6]);
  const [evaluation] = layers()[2]?.data.values ?? [];
  expect(evaluation).toMatchObject({ run: 'a', iteration: 0, seconds: 0, images: 0 });
  expect(Number(evaluation?.['high']) - Number(evaluation?.['low'])).toBeCloseTo(0.032, 10);
});

test('time and images add up over the iterations', () => {
  const rows = layers()[0]?.data.values.filter(({ run }) => run === 'b') ?? [];
  expect(rows.map(({ images }) => images)).toEqual([64, 128, 192, 256]);
  expect(Number(rows[3]?.['seconds'])).toBeGreaterThan(4 * 4);
});

// As in curves.test.ts: Vega cannot be loaded in jest.
test('draws a PNG that is not blank', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  try {
    const path = join(folder, 'curves.png');
    const program = join(__dirname, '..', 'testing', 'draw-example-comparison.ts');
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
