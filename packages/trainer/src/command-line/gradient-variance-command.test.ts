import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { GradientVarianceOptions, GradientVarianceResult } from '../api/gradient-variance';
import { captureOutput } from '../testing/captured-output';
import { exampleVariance } from '../testing/example-variance';
import { writeExampleRun } from '../testing/write-example-run';
import { runCommandLine } from './run-command-line';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/plot', () => ({
  ...jest.requireActual<object>('../tracking/plot'),
  renderPlot: () => Promise.resolve(new Uint8Array([1, 2, 3])),
}));

let base: string;
let run: string;
let out: string;
beforeEach(() => {
  // Which backend serves.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  base = mkdtempSync(join(tmpdir(), 'gradient-variance-'));
  run = join(base, 'run');
  out = join(base, 'out');
  writeExampleRun(run, { overrides: ['backend=cpu'] });
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

type Measure = (options: GradientVarianceOptions) => Promise<GradientVarianceResult>;

async function measure(
  flags: readonly string[] = [],
  core: Measure = async ({ run: folder }) => exampleVariance({ run: folder }),
) {
  const output = captureOutput();
  const seen: GradientVarianceOptions[] = [];
  const notExpected = () => Promise.reject(new Error('not expected'));
  const code = await runCommandLine(['gradient-variance', run, '--out', out, ...flags], {
    output,
    exit: () => undefined,
    loadCore: () =>
      Promise.resolve({
        ...{ train: notExpected, sampleImages: notExpected },
        ...{ evaluateModel: notExpected, measureBatches: notExpected },
        gradientVariance(options) {
          seen.push(options);
          return core(options);
        },
      }),
  });
  return { code, out: output.outText(), error: output.errorText(), seen: seen[0] };
}

test('leaves a table, a plot and JSON, and prints the table', async () => {
  const found = await measure();
  expect(found).toMatchObject({ code: 0, error: '' });
  expect(found.out).toMatch(/^estimator +k/);
  expect(found.out).toContain(`Everything is in ${out}`);
  expect(found.seen).toMatchObject({ run, prompts: 64, images: 16, k: [2, 3, 4, 8] });
  expect(readdirSync(out).sort()).toEqual(
    ['json', 'md', 'png'].map((kind) => `gradient-variance.${kind}`),
  );
  const file: unknown = JSON.parse(readFileSync(join(out, 'gradient-variance.json'), 'utf8'));
  expect(file).toEqual(exampleVariance({ run }));
  expect(readFileSync(join(out, 'gradient-variance.md'), 'utf8')).toContain('after 25 iterations');
});

test('takes its flags, and --json is one object', async () => {
  const flags = ['--prompts', '8', '--images', '6', '--k', '2, 3', '--seed', '5', '--json'];
  const found = await measure([...flags, '--checkpoint', '25']);
  expect(found.seen).toMatchObject({ prompts: 8, images: 6, k: [2, 3], seed: 5, checkpoint: 25 });
  expect(JSON.parse(found.out)).toEqual({ out, ...exampleVariance({ run }) });
});

test('says what was left out, and what is not as it was', async () => {
  const { error, out: text } = await measure(
    ['--quiet', '--base'],
    async ({ base: isBase, ...options }) => {
      expect(isBase).toBe(true);
      options.onDifference?.('threads was 8 and is 2');
      return exampleVariance({ iterations: 0, leftOut: 1 });
    },
  );
  expect(error).toBe(
    'Not exactly as in the run: threads was 8 and is 2.\n' +
      'Warning: 1 prompt left out, for not all of their images got a reward\n',
  );
  expect(text).toContain('before training');
  expect(text).not.toContain('Everything');
});

test('what is interrupted leaves nothing', async () => {
  const { code, error } = await measure([], async ({ signal }) => {
    process.emit('SIGINT');
    expect(signal?.aborted).toBe(true);
    // What the signal throws is no Error of jest's own realm.
    throw Object.assign(new Error('aborted'), { name: 'AbortError' });
  });
  expect(code).toBe(130);
  expect(error).toContain('Interrupted.');
  expect(existsSync(out)).toBe(false);
});

test.each([
  [['--base', '--checkpoint', '3'], 2, 'two policies'],
  [['--k', '2,1'], 2, 'whole numbers from 2 to 500'],
  [['--k', '2,,4'], 2, 'whole numbers from 2 to 500'],
  [['--prompts', '1'], 2, 'a whole number from 2'],
  [['--images', 'many'], 2, 'a whole number from 4'],
])('%j is a sentence', async (flags, code, message) => {
  const found = await measure(flags);
  expect(found).toMatchObject({ code, out: '', seen: undefined });
  expect(found.error).toContain(message);
  expect(existsSync(out)).toBe(false);
});

test('a folder that is no run is a sentence, and a folder that holds anything is left alone', async () => {
  mkdirSync(join(out, 'own'), { recursive: true });
  expect(await measure()).toMatchObject({ code: 1, seen: undefined });
  expect(readdirSync(out)).toEqual(['own']);
  rmSync(join(run, 'config.yaml'));
  const { code, error } = await measure();
  expect(code).toBe(1);
  expect(error).toBe(`'${run}' is not a run's folder: it has no config.yaml.\n`);
});
