import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { captureOutput } from '../testing/captured-output';
import { writeExampleRun } from '../testing/write-example-run';
import { runCommandLine } from './run-command-line';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/plot', () => ({
  ...jest.requireActual<object>('../tracking/plot'),
  renderPlot: () => Promise.resolve(new Uint8Array([1, 2, 3])),
}));

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

async function compare(...argv: string[]) {
  const output = captureOutput();
  const code = await runCommandLine(['compare', ...argv], { output });
  return { code, out: output.outText(), error: output.errorText() };
}

test('leaves a plot, a table and JSON, and prints the table', async () => {
  const [first, second, out] = ['a', 'b', 'out'].map((name) => join(base, name));
  writeExampleRun(first ?? '', { overrides: ['seed=1'] });
  writeExampleRun(second ?? '', { overrides: ['seed=2'], iterations: 30 });
  const found = await compare(first ?? '', second ?? '', '--out', out ?? '');
  expect(found).toMatchObject({ code: 0, error: '' });
  expect(found.out).toMatch(/^ +a +b\n/);
  expect(found.out).toMatch(/^iterations +20 +30$/m);
  expect(found.out).toMatch(/^ {2}seed +1 +2$/m);
  expect(found.out).toContain(`Everything is in ${out ?? ''}`);
  expect(readdirSync(out ?? '').sort()).toEqual(['comparison.json', 'comparison.md', 'curves.png']);
  expect(readFileSync(join(out ?? '', 'comparison.md'), 'utf8')).toContain('| seed | 1 | 2 |');
});

test('--json is one object, the same as the file', async () => {
  const [run, out] = [join(base, 'a'), join(base, 'out')];
  writeExampleRun(run);
  const { code, out: text } = await compare(run, '--out', out, '--json');
  expect(code).toBe(0);
  const result = JSON.parse(text) as { out: string; runs: { name: string }[] };
  expect(result.out).toBe(out);
  expect(result.runs[0]).toMatchObject({ name: 'a', state: 'finished', iterations: 20 });
  const file: unknown = JSON.parse(readFileSync(join(out, 'comparison.json'), 'utf8'));
  expect({ out, ...(file as object) }).toEqual(result);
});

test('wrong usage and folders that are no runs are a sentence, and make nothing', async () => {
  expect(await compare()).toMatchObject({ code: 2, out: '' });
  const many = Array.from({ length: 21 }, (_, index) => `run-${String(index)}`);
  expect(await compare(...many)).toMatchObject({
    code: 2,
    error: 'compare takes at most 20 runs, not 21.\n',
  });
  const run = join(base, 'a');
  writeExampleRun(run);
  const out = join(base, 'out');
  expect(await compare(run, join(base, 'none'), '--out', out)).toMatchObject({
    code: 1,
    out: '',
    error: `The run '${join(base, 'none')}' does not exist.\n`,
  });
  expect(await compare(run, '--out', run)).toMatchObject({ code: 1, out: '' });
  mkdirSync(join(base, 'empty'));
  expect((await compare(join(base, 'empty'), '--out', out)).error).toContain('not the folder');
  expect(readdirSync(base).sort()).toEqual(['a', 'empty']);
});
