import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { configFileText } from '../run-folder/config-file';
import { writeFileAtomically } from '../files/write-atomically';
import { runLoop } from '../run/loop';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { gradientVariance, type GradientVarianceOptions } from './gradient-variance';

let folder: RunFolder;
let run: string;
beforeAll(async () => {
  folder = makeRunFolder();
  const config = folder.configFor('run', ['optimizer.learningRate=0.01', 'checkpoint.keep=3']);
  run = config.output;
  writeFileAtomically(join(run, 'config.yaml'), configFileText(config));
  await runLoop(config, recordRun(), new AbortController().signal);
});
afterAll(() => {
  folder.remove();
});

const measure = (more: Partial<GradientVarianceOptions> = {}) =>
  gradientVariance({ run, prompts: 3, images: 4, k: [2], ...more });

test('measures the newest checkpoint, another one, or the policy before training', async () => {
  const differences: string[] = [];
  const newest = await measure({ onDifference: (difference) => differences.push(difference) });
  expect(newest).toMatchObject({ iterations: 2, prompts: 3, images: 4, leftOut: 0, seed: 0 });
  expect(newest.estimators.map(({ k }) => k)).toEqual([null, null, 2, 2, 2]);
  for (const { variance } of newest.estimators) expect(variance.value).toBeGreaterThan(0);
  // Not even the method, which a measurement does without.
  expect(differences).toEqual([]);
  expect(await measure({ checkpoint: 2, k: [2, 2] })).toEqual(newest);

  const [first, base] = [await measure({ checkpoint: 1 }), await measure({ base: true })];
  expect([first.iterations, base.iterations]).toEqual([1, 0]);
  const scores = [newest, first, base].map(({ score }) => score.value);
  expect(new Set(scores).size).toBe(3);
});

test('bad options and runs are a sentence', async () => {
  await expect(measure({ k: [2, 3] })).rejects.toThrow(
    '4 images of a prompt are too few for k = 3, of which at least two groups are compared; take 6 images or smaller k',
  );
  await expect(measure({ checkpoint: 7 })).rejects.toThrow(
    `The run '${run}' has no checkpoint after 7 iterations; it has those after 1, 2`,
  );
  await expect(measure({ run: join(run, 'none') })).rejects.toThrow("is not a run's folder");
  await expect(measure({ k: [1] })).rejects.toThrow('k must be a list of whole numbers from 2');
  await expect(
    gradientVariance({ run, image: 4 } as unknown as GradientVarianceOptions),
  ).rejects.toThrow('did you mean images?');
  rmSync(join(run, 'checkpoints'), { recursive: true });
  await expect(measure()).rejects.toThrow('has no checkpoint; base (--base)');
});
