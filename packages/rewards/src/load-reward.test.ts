import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { loadReward } from './load-reward';
import type { Reward } from './reward';

const REWARD = `{ name: 'object', version: '1', range: [0, 9], batchSize: 4,
  score: async ({ images }) => images.map(() => ({ ok: true, value: 1 })) }`;

/** What somebody may write, by the path from the folder where the command runs. */
const FILES: Record<string, string> = {
  'mine.mjs': `
    export const numbers = ({ images, prompts }) => images.map((_, index) => prompts[index].length);
    export function pair(images, prompts, metadata) { return images.map((_, index) => prompts[index].length); }
    export const list = (images) => images.map(() => 2);
    export async function slowly({ images }) { return images.map(() => 3); }
    export const loop = (images) => { const all = []; for (const image of images) all.push(4); return all; };
    export const partly = ({ images }) => images.map((_, index) => (index === 0 ? null : 5));
    export const object = ${REWARD};
    export const made = () => (${REWARD});
    export const madeOf = async ({ value = 6 }) => ({ ...${REWARD}, name: 'made of ' + value });
    export const one = 1;
    export const open = { ...${REWARD}, range: [null, null] };
    export const unnamed = () => ({ ...${REWARD}, name: undefined });
    export const nothing = () => {};
    export const scores = () => [1, 2];
    export const broken = ({ file }) => { throw new Error('no file at ' + file + '.'); };
    export class Scorer {}
    export default ({ images }) => images.map(() => 7);`,
  'a b#100%.mjs': 'export const numbers = ({ images }) => images.map(() => 8);',
  'old.cjs': `exports.three = () => (${REWARD});`,
  'late.mjs': `throw new Error('it does not start');`,
  'node_modules/esm-only/package.json': JSON.stringify({
    name: 'esm-only',
    type: 'module',
    exports: { '.': { import: './index.js' }, './hidden': null },
  }),
  'node_modules/esm-only/index.js': `export const it = { ...${REWARD}, name: 'esm only' };`,
  'node_modules/dual/package.json': JSON.stringify({
    name: 'dual',
    exports: { import: './index.mjs', require: './index.cjs' },
    main: './index.cjs',
  }),
  'node_modules/dual/index.mjs': `export default { ...${REWARD}, name: 'esm' };
    globalThis.loaded = [...(globalThis.loaded ?? []), 'esm'];`,
  'node_modules/dual/index.cjs': `module.exports = { ...${REWARD}, name: 'cjs' };
    globalThis.loaded = [...(globalThis.loaded ?? []), 'cjs'];`,
};

/** Jest's own `import` knows no ES modules, so a process of its own loads them, all in one go. */
const PROGRAM = `
  const [source, folder, requests] = JSON.parse(process.argv[1]);
  const exported = await import(source);
  const { loadReward, scoreAll } = exported.loadReward ? exported : exported.default;
  const image = { width: 1, height: 1, data: new Uint8Array(3) };
  const outcomes = [];
  for (const [name, settings] of requests) {
    try {
      const reward = await loadReward(name, settings, { folder });
      const results = await scoreAll(reward, { images: [image, image], prompts: ['a', 'bb'] });
      const scores = results.map((result) => (result.ok ? result.value : result.kind));
      outcomes.push({ name: reward.name, scores });
    } catch (error) {
      outcomes.push(error.message);
    }
  }
  console.log(JSON.stringify([outcomes, globalThis.loaded]));`;

interface Loaded {
  readonly outcome: (name: string, settings?: object) => unknown;
  /** The modules of the package that has two. */
  readonly loaded: readonly string[];
}

function loadAll(folder: string, requests: readonly (readonly [string, object])[]): Loaded {
  const source = pathToFileURL(join(__dirname, 'index.ts')).href;
  const tsx = pathToFileURL(require.resolve('tsx')).href;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...['-C', '@loop/source', '--import', tsx, '--input-type=module', '-e', PROGRAM],
      JSON.stringify([source, folder, requests]),
    ],
    { cwd: __dirname, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  if (stdout === '') throw new Error(stderr);
  const [outcomes, loaded] = JSON.parse(stdout) as [unknown[], string[]];
  return {
    loaded,
    outcome(name, settings = {}) {
      const wanted = JSON.stringify([name, settings]);
      return outcomes[requests.findIndex((request) => JSON.stringify(request) === wanted)];
    },
  };
}

const EXPECTED =
  'expected a reward, a function ({ images, prompts }) => numbers, or a function of its settings that returns a reward.';

const GOOD: [string, object, object][] = [
  ['./mine.mjs#numbers', {}, { name: 'numbers', scores: [1, 2] }],
  ['./mine.mjs#pair', {}, { name: 'pair', scores: [1, 2] }],
  ['./mine.mjs#list', {}, { name: 'list', scores: [2, 2] }],
  ['./mine.mjs#slowly', {}, { name: 'slowly', scores: [3, 3] }],
  ['./mine.mjs#loop', {}, { name: 'loop', scores: [4, 4] }],
  ['./mine.mjs#partly', {}, { name: 'partly', scores: ['not-applicable', 5] }],
  ['./mine.mjs', {}, { name: 'mine', scores: [7, 7] }],
  ['./mine.mjs#object', {}, { name: 'object', scores: [1, 1] }],
  ['./mine.mjs#made', {}, { name: 'object', scores: [1, 1] }],
  ['./mine.mjs#madeOf', {}, { name: 'made of 6', scores: [1, 1] }],
  ['./mine.mjs#madeOf', { value: 2 }, { name: 'made of 2', scores: [1, 1] }],
  ['./a b#100%.mjs#numbers', {}, { name: 'numbers', scores: [8, 8] }],
  ['./old.cjs#three', {}, { name: 'object', scores: [1, 1] }],
  ['esm-only#it', {}, { name: 'esm only', scores: [1, 1] }],
  ['dual#default', {}, { name: 'esm', scores: [1, 1] }],
];

const BAD: [string, object, string][] = [
  ['./mine.mjs#one', {}, `its export is 1; ${EXPECTED}`],
  ['./mine.mjs#none', {}, '"./mine.mjs" has no export "none".'],
  ['./mine.mjs#open', {}, 'its export has the range [null, null]; expected [least, most]'],
  ['./mine.mjs#unnamed', {}, 'what its export returned for its settings has the name nothing'],
  ['./mine.mjs#nothing', {}, `what its export returned for its settings is nothing; ${EXPECTED}`],
  ['./mine.mjs#scores', {}, 'what its export returned for its settings is a list of 2; expected a'],
  ['./mine.mjs#broken', { file: 'x' }, 'called with its settings, threw: no file at x.'],
  ['./mine.mjs#Scorer', {}, `invoked without 'new'; ${EXPECTED}`],
  ['./mine.mjs#numbers', { value: 1 }, 'it takes no settings: its export scores images.'],
  ['./mine.mjs#pair', { value: 1 }, 'it takes no settings: its export scores images.'],
  ['./mine.mjs#object', { value: 1 }, 'it takes no settings: its export is a reward.'],
  ['./absent.mjs', {}, 'cannot be loaded: there is no file /'],
  ['./late.mjs', {}, 'it does not start.'],
  ['esm-only/hidden#it', {}, './hidden'],
  ['@no/package#it', {}, 'there is no package that gives "@no/package" in the node_modules of'],
  ['redness', {}, 'There is no reward "redness". Known rewards: jpeg-compressibility,'],
];

describe('a module of somebody’s own', () => {
  let folder: string;
  let all: Loaded;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'loop-rewards-'));
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    all = loadAll(
      folder,
      [...GOOD, ...BAD].map(([name, settings]) => [name, settings] as const),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(GOOD)('%s with %j is a reward', (name, settings, expected) => {
    expect(all.outcome(name, settings)).toEqual(expected);
  });

  test.each(BAD)('%s with %j says what is wrong', (name, settings, message) => {
    const said = all.outcome(name, settings);
    expect(said).toEqual(expect.stringContaining(message));
    expect(said).toEqual(expect.stringContaining(`"${name}"`));
    expect(said).not.toMatch(/\.\.$|\n/);
  });

  test('is found as an ES module, and never loaded twice', () => {
    expect(all.loaded).toEqual(['esm']);
  });

  test('is what the message about an unknown name points to', () => {
    expect(all.outcome('redness')).toMatch(
      /; one of your own is named by its file and export, as \.\/my-reward\.mjs#score\.$/,
    );
  });
});

describe('rewards that the caller knows', () => {
  const shapes: Reward = {
    name: 'shapes',
    version: '1',
    range: [0, 1],
    batchSize: 1,
    score: async () => [],
  };
  const factories = {
    shapes: () => shapes,
    scaled: ({ factor = 1 }: { readonly factor?: number }) => ({ ...shapes, name: `by ${factor}` }),
  };

  test('are made by their names, with settings where they take any', async () => {
    expect(await loadReward('shapes', {}, { factories })).toBe(shapes);
    expect(await loadReward('scaled', { factor: 2 }, { factories })).toMatchObject({
      name: 'by 2',
    });
    await expect(loadReward('shapes', { size: 1 }, { factories })).rejects.toThrow(
      'Reward "shapes" takes no settings.',
    );
  });

  test('are among the known ones, as those of this package are', async () => {
    await expect(loadReward('shaps', {}, { factories })).rejects.toThrow(
      'There is no reward "shaps" (did you mean "shapes"?). Known rewards: shapes, scaled, jpeg-compressibility',
    );
    expect(await loadReward('jpeg-incompressibility', {}, { factories })).toMatchObject({
      name: 'jpeg-incompressibility',
    });
    await expect(loadReward('shapes')).rejects.toThrow('There is no reward "shapes".');
  });
});
