import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { readSafetensors } from '@loop-diffusion/safetensors';

const ROOT = join(__dirname, '..');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a program of `examples/` as a user does, but on the sources. */
async function run(...argv: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-C', '@loop/source', '--import', 'tsx', ...argv],
    { cwd: ROOT, env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
  );
  return stdout;
}

test('every example is tried here', () => {
  expect(readdirSync(join(ROOT, 'examples')).sort()).toEqual([
    'README.md',
    // distributed-examples.test.ts
    'distributed',
    'own-method.mjs',
    'own-prompts.mjs',
    'own-reward.mjs',
    'own-sink.mjs',
    'train-from-code.mjs',
  ]);
});

test('training from code leaves an adapter, and draws with it', async () => {
  const own = join(folder, 'from-code');
  const said = await run('examples/train-from-code.mjs', '1', own);
  expect(said).toMatch(/^1 0\.\d{3}\ngain \{[^]*mean: [^]*standardError: [^]*\}\n$/);
  const { tensors } = readSafetensors(
    new Uint8Array(readFileSync(join(own, 'pytorch_lora_weights.safetensors'))),
  );
  expect([...tensors.keys()].every((key) => key.includes('lora'))).toBe(true);
  const [before, after] = ['before', 'after'].map((name) => readFileSync(join(own, `${name}.png`)));
  expect(Buffer.compare(before!, after!)).not.toBe(0);
});

test('prompts of one’s own have a score for each family', async () => {
  const said = await run('examples/own-prompts.mjs', '1');
  expect(said.trim().split('\n')).toHaveLength(4);
  expect(said).toMatch(/^red: 0\.\d{3} over \d images$/m);
});

test('a sink of one’s own has the figures and the images', async () => {
  const own = join(folder, 'sink');
  const said = await run('examples/own-sink.mjs', '1', own);
  expect(said).toMatch(/^before: [^]*after: [^]*1 iterations\n$/);
  expect(readFileSync(join(own, 'rewards.csv'), 'utf8')).toMatch(/^1,0\.\d+,0\.\d+\n$/);
  expect(existsSync(join(own, 'best-1.png'))).toBe(true);
});

test('a reward of one’s own is found by its file and export', async () => {
  const program = `
    import { loadReward } from '@loop-diffusion/rewards';
    const reward = await loadReward('./examples/own-reward.mjs#greenness');
    const image = (...pixel) => ({ width: 1, height: 1, data: Uint8Array.from(pixel) });
    const results = await reward.score({
      images: [image(0, 255, 0), image(255, 0, 255), image(0, 255, 0)],
      prompts: ['a green star', 'a green star', 'a red star'],
    });
    console.log(JSON.stringify([reward.name, ...results.map(({ value, kind }) => value ?? kind)]));`;
  const said = await run('--input-type=module', '-e', program);
  expect(JSON.parse(said)).toEqual(['greenness', 1, -1, 'not-applicable']);
});

test('a method of one’s own, by its file and export or as an object, learns what grpo learns', async () => {
  const program = `
    import { createHash } from 'node:crypto';
    import { train } from '@loop-diffusion/trainer';
    import { myGrpo } from './examples/own-method.mjs';
    for (const name of ['grpo', './examples/own-method.mjs#myGrpo', myGrpo]) {
      const { weights } = await train({
        iterations: 1, batch: { prompts: 2 }, evaluate: { images: 0 }, samples: { count: 0 },
        algorithm: { name, innerUpdates: 2 },
      });
      console.log(createHash('sha256').update(weights).digest('hex'));
    }`;
  const said = await run('--input-type=module', '-e', program);
  const [published, named, given] = said.trim().split('\n');
  expect(named).toBe(published);
  expect(given).toBe(published);
});
