import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodePng } from '@loop-diffusion/rewards';

import { exampleEvaluation, exampleIteration, exampleSummary } from '../../testing/example-run';
import { readEventFile, type ReadEvent } from '../../testing/read-event-file';
import { evaluationScalars, iterationScalars } from '../scalars';
import { createTensorBoardSink } from './tensorboard-sink';

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  folder = join(base, 'tensorboard');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function readNewest(): ReadEvent[] {
  return readEventFile(join(folder, readdirSync(folder).sort().at(-1) ?? ''));
}

test('a run without reports leaves no file', () => {
  createTensorBoardSink(folder).close();
  expect(existsSync(folder)).toBe(false);
});

test('scalars, histograms and pictures stand at their steps', async () => {
  const sink = createTensorBoardSink(folder, { now: () => 1_700_000_000_000 });
  const png = await encodePng({ width: 6, height: 3, data: new Uint8Array(54) });
  sink.evaluation(exampleEvaluation('before', 0.6), 0);
  sink.evaluation(exampleEvaluation('best-before', 0.7, 2), 0);
  sink.sampleGrid('before', png, 0);
  sink.iteration(exampleIteration(1));
  await sink.finish(exampleSummary());
  sink.close();
  sink.close();

  const [, before, base2, grid, iteration, finish] = readNewest();
  expect(before).toMatchObject({ seconds: 1_700_000_000, step: 0 });
  expect(before!.values['held_out/mean']!.scalar).toBeCloseTo(0.6, 6);
  expect(before!.values['held_out/numeracy']!.scalar).toBeCloseTo(0.5, 6);
  expect(before!.values['held_out/rewards']!.histogram).toMatchObject({
    minimum: 0.1,
    maximum: 0.9,
  });
  expect(Object.keys(base2!.values)).toContain('best-before/mean');
  expect(grid!.values['samples']!.image).toMatchObject({ width: 6, height: 3 });
  expect(Buffer.compare(grid!.values['samples']!.image!.png, png)).toBe(0);
  expect(iteration!.step).toBe(1);
  for (const [tag, value] of Object.entries(iterationScalars(exampleIteration(1)))) {
    expect([tag, iteration!.values[tag]?.scalar]).toEqual([tag, Math.fround(value)]);
  }
  // The reward that failed is in no bucket.
  const { histogram } = iteration!.values['rewards']!;
  expect(histogram).toMatchObject({ minimum: 0.4, maximum: 0.9 });
  expect(histogram!.counts.reduce((sum, count) => sum + count)).toBe(3);
  expect(iteration!.values['ratios_at/601']!.histogram!.counts).toEqual([1, 4, 6, 3]);
  expect(finish).toMatchObject({ step: 150 });
  expect(finish!.values['held_out/gain']!.scalar).toBeCloseTo(0.152, 6);
  expect(Object.keys(evaluationScalars(exampleEvaluation('x', 0.5)))).toHaveLength(11);
});

test('a resumed run writes a second file, which takes back what came after', () => {
  const first = createTensorBoardSink(folder);
  for (const iteration of [1, 2, 3]) first.iteration(exampleIteration(iteration));
  first.close();
  const second = createTensorBoardSink(folder, { resumedFrom: 2 });
  second.iteration(exampleIteration(3));
  second.close();
  expect(readdirSync(folder)).toHaveLength(2);
  expect(readNewest().map(({ step, sessionStatus }) => [step, sessionStatus])).toEqual([
    [0, undefined],
    [3, 1],
    [3, undefined],
  ]);
});
