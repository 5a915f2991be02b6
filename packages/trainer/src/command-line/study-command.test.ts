import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
  base = mkdtempSync(join(tmpdir(), 'study-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const STUDY = `
base: {iterations: 3, backend: cpu, samples: {count: 0}}
factors:
  algorithm.name: [loop, rloo]
seeds: [0, 1]
evaluation: {images: 4}
`;

function writeStudy(text = STUDY): string {
  const file = join(base, 'study.yaml');
  writeFileSync(file, text);
  return file;
}

/** Rewards of four images that depend on the variant and the seed alone. */
function rewardsOf(config: TrainConfig, trained: boolean): number[] {
  const ofVariant = config.algorithm.name === 'loop' ? 0.1 : 0.02;
  const gain = trained ? 1 : 0;
  return [0.2, 0.4, 0.5, 0.7].map(
    (reward, image) => reward + gain * (ofVariant + 0.02 * config.seed + 0.01 * image),
  );
}

interface Given {
  readonly file?: string;
  /** Folders of runs whose process is killed once. */
  readonly dying?: readonly string[];
  readonly failing?: string;
}

async function study({ file = writeStudy(), dying, failing }: Given, ...flags: string[]) {
  const output = captureOutput();
  const { launch, loadCore, launched } = fakeRuns({
    ...(dying && { dying }),
    fails: ({ algorithm }) => algorithm.name === failing,
    rewards: rewardsOf,
  });
  const code = await runCommandLine(['study', file, '--out', join(base, 'out'), ...flags], {
    ...{ output, loadCore, launchRun: launch },
    exit: () => undefined,
  });
  return { code, launched, out: output.outText(), error: output.errorText() };
}

const result = (name: string) => readFileSync(join(base, 'out', name), 'utf8');

test('carries out every variant with every seed, and compares them', async () => {
  const { code, launched, out, error } = await study({});
  expect(error).toContain('loop, seed 0: 0.450 → 0.565');
  expect(code).toBe(0);
  expect(launched.map(([command]) => command)).toEqual(['train', 'train', 'train', 'train']);
  expect(result('table.csv').split('\r\n').slice(0, 3)).toEqual([
    'variant,seed,iterations,images,unet_passes,evaluated_images,before,before_se,after,after_se,gain,gain_se,mean_height',
    expect.stringMatching(
      /^loop,0,3,192,\d+,4,0\.45,0\.016,0\.565,0\.016,0\.115,0\.00645497224,0\.5075$/,
    ),
    expect.stringMatching(/^rloo,0,3,192,/),
  ]);
  // Means over both seeds: .45 + .1 + .01 + .015, and .08 more than rloo's.
  expect(out).toMatch(/loop +2 +0\.575 \[0\.\d+, 0\.\d+\]/);
  expect(out).toContain('−0.080 [−0.080, −0.080]');
  const summary = JSON.parse(result('summary.json')) as {
    pairs: { difference: { value: number }; win: { value: number } }[];
  };
  expect(summary.pairs[0]?.difference.value).toBeCloseTo(0.08, 12);
  expect(summary.pairs[0]?.win.value).toBe(1);
  expect(result('report.md')).toContain('| loop | 2 | 0.575');
  expect(result('report.html')).toContain('<svg');
  expect(existsSync(join(base, 'out', 'run.lock'))).toBe(false);
});

test('what is done is not done again, and another seed is added', async () => {
  await study({});
  expect((await study({})).launched).toEqual([]);
  const more = await study({ file: writeStudy(STUDY.replace('[0, 1]', '[0, 1, 2]')) });
  expect(more.launched).toHaveLength(2);
  expect(result('table.csv').trim().split('\r\n')).toHaveLength(7);
});

test('a study whose runs were killed ends with the table of one left alone', async () => {
  await study({});
  const alone = result('table.csv');
  rmSync(join(base, 'out'), { recursive: true });
  const dying = ['loop/seed-0', 'rloo/seed-1'].map((run) => join(base, 'out', 'runs', run));
  const first = await study({ dying });
  expect(first.code).toBe(1);
  const second = await study({});
  expect(second.code).toBe(0);
  expect(second.launched.map(([command]) => command)).toContain('resume');
  expect(result('table.csv')).toBe(alone);
});

test('a run that was killed before its first record is gone on with', async () => {
  const run = join(base, 'out', 'runs', 'loop', 'seed-0');
  await study({ file: writeStudy(STUDY.replace('[0, 1]', '[0]')) });
  const alone = result('table.csv');
  writeFileSync(join(run, 'events.jsonl'), '');
  const { launched, code } = await study({ file: writeStudy(STUDY.replace('[0, 1]', '[0]')) });
  expect(code).toBe(0);
  expect(launched).toEqual([['resume', run]]);
  expect(result('table.csv')).toBe(alone);
});

test('what is done of a variant stays when another of its runs fails', async () => {
  await study({ file: writeStudy(STUDY.replace('[0, 1]', '[1]')) });
  const { code } = await study({ file: writeStudy(STUDY), failing: 'rloo' });
  expect(code).toBe(1);
  expect(result('table.csv')).toMatch(/rloo,1,3/);
  expect(result('table.csv')).not.toMatch(/rloo,0,3/);
  expect(result('report.md')).toContain('Of rloo there is one seed alone');
});

test('a variant that fails does not end the others, and is named', async () => {
  const { code, error, launched, out } = await study({ failing: 'rloo' });
  expect(code).toBe(1);
  expect(error).toMatch(/'rloo' with seed 0 failed: .*The reward is out of order/s);
  // Its second seed would fail as well.
  expect(launched).toHaveLength(3);
  expect(out).toMatch(/loop +2/);
  expect(result('report.md')).toContain('2 of 4 runs are done');
});

test('several runs go on side by side, with the same table', async () => {
  await study({});
  const alone = result('table.csv');
  rmSync(join(base, 'out'), { recursive: true });
  const { code } = await study({}, '--parallel', '3');
  expect(code).toBe(0);
  expect(result('table.csv')).toBe(alone);
});

test('--plan says what is left, and begins nothing', async () => {
  const before = await study({}, '--plan');
  expect(before.launched).toEqual([]);
  expect(existsSync(join(base, 'out'))).toBe(false);
  expect(before.out).toContain(
    '4 runs to carry out, one after the other: unknown until one run is done',
  );
  await study({});
  const after = await study({ file: writeStudy(STUDY.replace('[0, 1]', '[0, 1, 5]')) }, '--plan');
  expect(after.out).toMatch(/loop +5 +3 +192 +0 +1\d s/);
  expect(after.out).toContain('2 runs to carry out');
});

test('--report makes it anew from the runs alone', async () => {
  await study({});
  const [table, markdown] = [result('table.csv'), result('report.md')];
  rmSync(join(base, 'out', 'table.csv'));
  rmSync(join(base, 'out', 'report.md'));
  const { launched } = await study({}, '--report');
  expect(launched).toEqual([]);
  expect([result('table.csv'), result('report.md')]).toEqual([table, markdown]);
});

test('--power tells how many seeds a difference needs', async () => {
  await study({});
  const { out, code } = await study({}, '--power', '0.02');
  expect(code).toBe(0);
  // The two differ by the same on every seed and image, so two seeds are as good as any number.
  expect(out).toMatch(/rloo − loop +0\.0000 +0\.0000 +0\.0000 +0\.0000 +2 +2 +2/);
});

test('a budget in images is turned into iterations', async () => {
  const text = `
base: {backend: cpu, samples: {count: 0}, batch: {prompts: 8}}
factors: {algorithm.k: [2, 4]}
seeds: [0]
budget: {images: 100}
evaluation: {images: 4}
`;
  const { out } = await study({ file: writeStudy(text) }, '--plan');
  expect(out).toMatch(/k=2 +0 +6 +96/);
  expect(out).toMatch(/k=4 +0 +3 +96/);
});

test('a budget in seconds is measured first', async () => {
  const text = STUDY.replace('iterations: 3, ', '') + 'budget: {seconds: 20}\n';
  const { launched, code } = await study({ file: writeStudy(text) });
  expect(code).toBe(0);
  // Two pilots, and four runs of 20 s / 5 s.
  expect(launched).toHaveLength(6);
  expect(result('table.csv')).toMatch(/loop,0,4,256/);
  expect((await study({ file: writeStudy(text) })).launched).toEqual([]);
  const planned = await study({ file: writeStudy(text) }, '--plan');
  expect(planned.out).toContain('0 runs to carry out');
  rmSync(join(base, 'out'), { recursive: true });
  const short = await study({ file: writeStudy(text.replace('20', '2')) }, '--plan');
  expect(short.error).toContain('is measured by a run of three');
});

test.each([
  [
    'an unknown key',
    'factors: {algorithm.nam: [1]}',
    "The variant 'nam=1': Configuration: unknown key 'algorithm.nam'",
  ],
  ['an unknown key of the study', 'factor: {}', "unknown key 'factor' (the keys are base, factors"],
  [
    'a variant twice',
    'variants: {a: {}, b: {algorithm.name: loop}}',
    "The variants 'a' and 'b' of the study are the same run",
  ],
  [
    'a seed in a variant',
    'variants: {a: {seed: 3}}',
    "The variant 'a' sets seed, which the study itself does",
  ],
  ['an output in the base', 'base: {output: x}', 'sets output, which the study itself does'],
  [
    'iterations beside a budget',
    'variants: {a: {iterations: 3}}\nbudget: {images: 640}',
    'which follow from the budget',
  ],
  [
    'a budget that is too small',
    'budget: {images: 63}',
    "The budget is 63 images, but one iteration of 'base' draws 64",
  ],
  ['a budget of both kinds', 'budget: {images: 64, seconds: 3}', 'budget must be either {images'],
  ['an unknown reference', 'reference: ppo', "reference is 'ppo', but its variants are base"],
  ['a variant that is a number', 'variants: {2: {}, off: {}}', 'whose name is not a number'],
  ['a name of two lines', 'variants: {"a\\n# b": {}}', 'a line break or a control character'],
  [
    'prompts that are not there',
    'variants: {a: {}, b: {prompts: nowhere.txt}}',
    "The variant 'b': Cannot read the prompt file 'nowhere.txt': it does not exist",
  ],
  ['no seeds', 'seeds: []', 'seeds must be a list of whole numbers'],
  ['a text', 'just words', 'it must hold the keys base, factors'],
  ['no YAML', 'a: [', 'is not valid YAML at line 1'],
])('refuses %s, and begins nothing', async (_, text, sentence) => {
  const { code, error, launched } = await study({ file: writeStudy(text) });
  expect(error).toContain(sentence);
  expect(error.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
  expect(launched).toEqual([]);
  expect(existsSync(join(base, 'out'))).toBe(false);
});

test('the folder of another study is left alone', async () => {
  await study({});
  const other = await study({ file: writeStudy(STUDY.replace('iterations: 3', 'iterations: 4')) });
  expect(other.error).toContain('holds a run of another study: it has another iterations than');
  expect(other.code).toBe(1);
  expect(other.launched).toEqual([]);
  const fewer = await study({ file: writeStudy(STUDY.replace('[loop, rloo]', '[loop]')) });
  expect(fewer.error).toContain('it has runs of rloo, which this one does not name');
});

test('a folder that holds something else is refused', async () => {
  mkdirSync(join(base, 'out'));
  writeFileSync(join(base, 'out', 'thesis.txt'), '');
  const inSeconds = STUDY.replace('iterations: 3, ', '') + 'budget: {seconds: 20}\n';
  for (const text of [STUDY, inSeconds]) {
    const { error, launched } = await study({ file: writeStudy(text) });
    expect(error).toContain('is not empty and holds no study; name another with --out');
    expect(launched).toEqual([]);
    expect(readdirSync(join(base, 'out'))).toEqual(['thesis.txt']);
  }
});

test("files of the system's in a study are no runs", async () => {
  await study({});
  writeFileSync(join(base, 'out', 'runs', '.DS_Store'), '');
  expect((await study({}, '--report')).code).toBe(0);
});
