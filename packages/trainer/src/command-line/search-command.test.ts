import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TrainConfig } from '../configuration/schema';
import { captureOutput } from '../testing/captured-output';
import { fakeRuns } from '../testing/fake-runs';
import { runCommandLine } from './run-command-line';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/curves', () => ({
  renderCurves: () => Promise.resolve(new Uint8Array([1, 2, 3])),
}));
jest.mock('../tracking/plot', () => ({
  ...jest.requireActual<object>('../tracking/plot'),
  plotSvg: () =>
    Promise.resolve('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>'),
}));

let base: string;
beforeEach(() => {
  // Which backend serves.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  base = mkdtempSync(join(tmpdir(), 'search-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const SEARCH = `
base: {iterations: 3, backend: cpu, samples: {count: 0}}
settings:
  optimizer.learningRate: {scale: log, min: 1e-4, max: 1e-2}
  groups:
    ordered: true
    levels:
      small: {algorithm.k: 2, batch.prompts: 32}
      large: {algorithm.k: 8, batch.prompts: 8}
runs: 8
confirm: 2
evaluation: {images: 4}
`;

function writeSearch(text = SEARCH): string {
  const file = join(base, 'search.yaml');
  writeFileSync(file, text);
  return file;
}

/** Best at a rate of 1e-3, and with k = 8. */
function rewardsOf({ optimizer, algorithm }: TrainConfig, trained: boolean): number[] {
  const away = Math.log10(optimizer.learningRate) + 3;
  const gain = trained ? 0.1 - 0.1 * away ** 2 + (algorithm.k === 8 ? 0.05 : 0) : 0;
  return [0.2, 0.4, 0.5, 0.7].map((reward, image) => reward + gain + 0.001 * image * gain);
}

interface Given {
  readonly file?: string;
  readonly dying?: readonly string[];
  readonly fails?: (config: TrainConfig) => boolean;
}

async function search({ file = writeSearch(), dying, fails }: Given, ...flags: string[]) {
  const output = captureOutput();
  const { launch, loadCore, launched } = fakeRuns({
    ...{ rewards: rewardsOf, ...(dying && { dying }), ...(fails && { fails }) },
  });
  const code = await runCommandLine(['search', file, '--out', join(base, 'out'), ...flags], {
    ...{ output, loadCore, launchRun: launch },
    exit: () => undefined,
  });
  return { code, launched, out: output.outText(), error: output.errorText() };
}

const result = (name: string) => readFileSync(join(base, 'out', name), 'utf8');

interface Result {
  readonly best: { readonly text: string; readonly mean: number };
  readonly confirmed: { readonly mean: number; readonly seeds: number };
  readonly curves: {
    readonly setting: string;
    readonly points: { readonly label: string; readonly mean: number }[];
  }[];
}

test('finds the best setting, confirms it on new seeds, and tells what each does', async () => {
  const { code, launched, out, error } = await search({});
  expect(error).toContain('1 of 8, to start: optimizer.learningRate=');
  expect(code).toBe(0);
  expect(launched).toHaveLength(10);
  const { best, confirmed, curves } = JSON.parse(result('result.json')) as Result;
  expect(best.text).toContain('groups=large');
  expect(best.mean).toBeGreaterThan(0.13);
  expect(confirmed.seeds).toBe(2);
  expect(Math.abs(confirmed.mean - best.mean)).toBeLessThan(0.02);
  const groups = curves.find(({ setting }) => setting === 'groups')!.points;
  expect(groups.map(({ label }) => label)).toEqual(['small', 'large']);
  // 0.05 is what k = 8 adds.
  expect(groups[1]!.mean - groups[0]!.mean).toBeGreaterThan(0.03);
  expect(groups[1]!.mean - groups[0]!.mean).toBeLessThan(0.07);
  expect(out).toMatch(/run \d: optimizer\.learningRate=0\.\d+, groups=large/);
  expect(result('report.md')).toContain('## Runs');
  expect(existsSync(join(base, 'out', 'run.lock'))).toBe(false);
});

test('a search whose runs were killed decides as one left alone, and what is done is not done again', async () => {
  await search({});
  const alone = [result('search.json'), result('result.json')];
  expect((await search({})).launched).toEqual([]);
  rmSync(join(base, 'out'), { recursive: true });
  const dying = [join(base, 'out', 'runs', '002')];
  const first = await search({ dying, file: writeSearch(SEARCH.replace('runs: 8', 'runs: 3')) });
  // A run that failed is not tried again, for it may fail for its settings.
  expect(first.error).toContain('2 of 3, to start');
  expect(first.error).toContain('failed:');
  rmSync(join(base, 'out'), { recursive: true });
  await search({ file: writeSearch(SEARCH.replace('runs: 8', 'runs: 5')) });
  rmSync(join(base, 'out', 'confirmation'), { recursive: true });
  const more = await search({});
  expect(more.launched).toHaveLength(3 + 2);
  expect([result('search.json'), result('result.json')]).toEqual(alone);
});

test('ends when the first runs all fail, with what they said', async () => {
  const { code, error, launched } = await search({ fails: () => true });
  expect(code).toBe(1);
  expect(error).toContain('The first runs of the search all failed');
  expect(error).toContain('The reward is out of order');
  expect(launched).toHaveLength(3);
});

test('a budget in seconds is measured for each run, and the best setting is confirmed with its iterations', async () => {
  const text = SEARCH.replace('iterations: 3, ', '').replace('runs: 8', 'runs: 2');
  const { code, launched } = await search({ file: writeSearch(`${text}budget: {seconds: 20}\n`) });
  expect(code).toBe(0);
  // Two pilots, two runs, and two of the best setting.
  expect(launched).toHaveLength(6);
});

test('what is not the fault of settings is no failure of theirs', async () => {
  const few = SEARCH.replace('runs: 8', 'runs: 2');
  const baseFile = join(base, 'base.yaml');
  writeFileSync(baseFile, 'iterations: 3\nbackend: cpu\nsamples: {count: 0}\n');
  const text = few.replace('{iterations: 3, backend: cpu, samples: {count: 0}}', baseFile);
  await search({ file: writeSearch(text) });
  const known = result('search.json');
  writeFileSync(baseFile, 'iterations: 4\nbackend: cpu\nsamples: {count: 0}\n');
  const changed = await search({ file: writeSearch(text) });
  expect(changed.code).toBe(1);
  expect(changed.error).toContain('holds a run of another study: it has another iterations');
  expect(result('search.json')).toBe(known);
});

test('goes round settings that fail', async () => {
  const { code, error } = await search({ fails: ({ algorithm }) => algorithm.k === 2 });
  expect(code).toBe(0);
  expect(error).toMatch(/groups=small: failed: /);
});

test('--plan begins nothing', async () => {
  const { out, launched } = await search({}, '--plan');
  expect(out).toBe(
    '8 runs over optimizer.learningRate, groups, 0 of them begun, and 2 of the best setting on new seeds\n',
  );
  expect(launched).toEqual([]);
  expect(existsSync(join(base, 'out'))).toBe(false);
});

test.each([
  ['no settings', 'runs: 4', 'settings must be for each key'],
  ['no runs', 'settings: {algorithm.k: [2, 4]}', 'runs must be a whole number of at least 2'],
  [
    'an unknown key',
    'settings: {algorithm.k: [2, 4]}\nruns: 4\nsetting: 1',
    "unknown key 'setting'",
  ],
  [
    'a misspelt key',
    'settings: {optimizer.learningRte: [1, 2]}\nruns: 4',
    "unknown key 'optimizer.learningRte'",
  ],
  [
    'no evaluation',
    'settings: {algorithm.k: [2, 4]}\nruns: 4\nevaluation: {images: 0}',
    'at least 2',
  ],
  [
    'levels that are numbers',
    'settings: {k: {levels: {2: {algorithm.k: 2}, 4: {algorithm.k: 4}}}}\nruns: 4',
    'names that are not numbers',
  ],
  [
    'a range that is none',
    'settings: {a: {scale: log, min: 0, max: 1}}\nruns: 4',
    "The search's settings: a: a log scale needs min above 0, got 0. Use linear instead",
  ],
  [
    'a curve of what is not searched',
    'settings: {algorithm.k: [2, 4]}\nruns: 4\nexplain: [lora.rank]',
    'lora.rank is no key of the space',
  ],
])('refuses %s, and begins nothing', async (_, text, sentence) => {
  const { code, error, launched } = await search({ file: writeSearch(text) });
  expect(error).toContain(sentence);
  expect(error.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
  expect(launched).toEqual([]);
  expect(existsSync(join(base, 'out'))).toBe(false);
});

test('the folder of another search, or of something else, is left alone', async () => {
  mkdirSync(join(base, 'out'));
  writeFileSync(join(base, 'out', 'thesis.txt'), '');
  expect((await search({})).error).toContain('is not empty and holds no search');
  rmSync(join(base, 'out'), { recursive: true });
  await search({ file: writeSearch(SEARCH.replace('runs: 8', 'runs: 2')) });
  const other = await search({ file: writeSearch(SEARCH.replace('max: 1e-2', 'max: 1e-1')) });
  expect(other.error).toContain('holds another search');
  writeFileSync(join(base, 'out', 'search.json'), '{');
  expect((await search({})).error).toContain('is damaged: it is not the state of a search');
});
