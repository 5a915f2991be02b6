/** What commands take for a model of a published size, and say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { captureOutput } from '../testing/captured-output';
import { writePublishedConfig } from '../testing/published-config';
import { UserError } from '../user-error';
import type { Core } from './core';
import { runCommandLine } from './run-command-line';

let base: string;
let model: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  model = writePublishedConfig(join(base, 'model'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

/** Runs a command, whose work ends at once. */
async function run(...argv: string[]) {
  const output = captureOutput();
  const work = jest.fn<Promise<never>, [{ steps?: number; guidance?: number }]>(() =>
    Promise.reject(new UserError('enough')),
  );
  const core = { train: work, sampleImages: work, evaluateModel: work } as unknown as Core;
  await runCommandLine(argv, { output, loadCore: () => Promise.resolve(core) });
  return { asked: work.mock.calls[0]![0], said: output.errorText() };
}

test('train takes its defaults, but for what is set, and says so', async () => {
  const output = `output=${join(base, 'run')}`;
  const { asked, said } = await run(
    ...['train', '--set', `model=${model}`, '--set', output, '--set', 'sampler.steps=20'],
  );
  expect(asked).toMatchObject({
    sampler: { steps: 20, guidance: 5 },
    lora: { rank: 4, alpha: 4 },
    optimizer: { learningRate: 3e-4 },
    gradientCheckpointing: true,
  });
  expect(said).toMatch(
    /^Stable Diffusion XL; where nothing else is set: .*lora.rank=4 .*sampler.steps=30 sampler.guidance=5.*\n/m,
  );
});

test.each([
  ['sample', ['--prompt', 'a red fox', '--out']],
  ['evaluate', ['--prompts', 'shapes', '--reward', 'jpeg-compressibility', '--out']],
])('%s draws as its pipeline does', async (command, rest) => {
  const flags = [command, '--model', model, ...rest, join(base, 'out')];
  const { asked, said } = await run(...flags);
  expect(asked).toMatchObject({ steps: 30, guidance: 5 });
  expect(said).toContain('Stable Diffusion XL; where nothing else is set: steps=30 guidance=5\n');
  const own = await run(...flags, '--steps', '7', '--guidance', '2');
  expect(own.asked).toMatchObject({ steps: 7, guidance: 2 });
  expect(own.said).not.toContain('where nothing else is set');
});

test('the embedded model keeps its own', async () => {
  const { asked, said } = await run(
    ...['sample', '--model', 'shapes', '--prompt', 'a circle', '--out', join(base, 'out')],
  );
  expect(asked).toMatchObject({ steps: 10, guidance: 1 });
  expect(said).not.toContain('where nothing else is set');
});
