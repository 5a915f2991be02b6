/** Commands that several processes share, as they are typed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startCommand } from './endurance/command-line';

const PIPELINE = 'packages/diffusion-models/fixtures/pipeline';
const PROMPTS = ['a red circle', 'two green triangles', 'a blue square'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'workers-'));
  writeFileSync(join(folder, 'prompts.txt'), PROMPTS.join('\n'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(out: string, ...args: string[]): Promise<void> {
  const [command = '', ...flags] = args;
  const common = ['--model', PIPELINE, '--steps', '2', '--out', join(folder, out), '--quiet'];
  const { code, errors } = await startCommand([command, ...common, ...flags]).ended;
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}: ${errors}`);
}

/** By their names. */
function pictures(out: string): Record<string, string> {
  const names = readdirSync(join(folder, out)).filter((name) => name.endsWith('.png'));
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, out, name)).toString('base64')]),
  );
}

// Images depend on the batch they are drawn in by nothing at all, so that they are the same to the last byte.
test('two processes draw what one does', async () => {
  const prompts = ['--prompts', join(folder, 'prompts.txt'), '--grid'];
  await run('one', 'sample', ...prompts);
  await run('two', 'sample', ...prompts, '--workers', '2');
  expect(Object.keys(pictures('one'))).toHaveLength(4);
  expect(pictures('two')).toEqual(pictures('one'));
}, 240_000);

test('three processes evaluate two images as one does', async () => {
  const evaluated = [
    ...['--prompts', join(folder, 'prompts.txt'), '--images', '2'],
    ...['--reward', 'jpeg-incompressibility'],
  ];
  await run('alone', 'evaluate', ...evaluated);
  await run('together', 'evaluate', ...evaluated, '--workers', '3');
  const [alone, together] = ['alone', 'together'].map(
    (out) =>
      JSON.parse(readFileSync(join(folder, out, 'evaluation.json'), 'utf8')) as {
        readonly evaluation: { readonly rewards: readonly number[] };
      },
  );
  expect(together!.evaluation).toEqual(alone!.evaluation);
  expect(together!.evaluation.rewards).toHaveLength(2);
  expect(pictures('together')).toEqual(pictures('alone'));
}, 240_000);
