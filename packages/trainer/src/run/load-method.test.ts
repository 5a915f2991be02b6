import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { resolveConfig } from '../configuration/resolve-config';
import { defineMethod, type Method, type RememberedAdvantages } from '../methods/method';
import { loadMethod } from './load-method';

let folder: string;
let modules = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'methods-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Of the old kind, which the test runner can import. */
function moduleWith(code: string): string {
  modules += 1;
  const path = join(folder, `${modules}.cjs`);
  writeFileSync(path, code);
  return path;
}

const choosing = (name: string, algorithm: object = {}) =>
  resolveConfig({ algorithm: { name, ...algorithm } });
const OBJECTIVE = `{
  learnsFrom: 'trajectories', withinPrompts: true, reuse: 'once',
  advantages: ({ rewards }) => rewards, loss: ({ logProb }) => logProb,
}`;

test('a method of the package is found by its name, with its settings', async () => {
  const { method, objective } = await loadMethod(choosing('loop'));
  expect([method.name, objective.learnsFrom]).toEqual(['loop', 'trajectories']);
  const steps = await loadMethod(choosing('dpo', { dpo: { form: 'steps' } }));
  expect(steps.objective.learnsFrom).toBe('trajectories');
});

test('one of a module is found by its place', async () => {
  const code = `exports.mine = { name: 'mine', objective: () => (${OBJECTIVE}) };`;
  const loaded = await loadMethod(choosing(`${moduleWith(code)}#mine`));
  expect([loaded.method.name, loaded.objective.reuse]).toEqual(['mine', 'once']);
  expect(new TextDecoder().decode(loaded.code)).toBe(code);
});

test.each([
  ['no file', './nowhere.mjs#mine', 'there is no file'],
  ['no export', 'exports.other = 1;', 'has no export'],
  ['no method', 'exports.mine = { name: "mine" };', 'is no method; expected an object'],
  [
    'a promise of an objective',
    "exports.mine = { name: 'mine', objective: async () => ({}) };",
    'makes no objective of its settings',
  ],
  ['no name', 'exports.mine = { name: "", objective: () => ({}) };', 'is no method'],
  [
    'no schema',
    "exports.mine = { name: 'mine', settings: {}, objective: () => ({}) };",
    'must be a schema of zod',
  ],
  [
    'advantages without a state',
    "exports.mine = { name: 'mine', objective: () => ({ advantages: { estimate() {} } }) };",
    'or have estimate, state and restore',
  ],
  [
    'no objective',
    "exports.mine = { name: 'mine', objective: () => ({ learnsFrom: 'dreams' }) };",
    /learnsFrom must be .*reuse must be .*withinPrompts must be .*advantages must be .*loss must be/,
  ],
])('%s is one sentence', async (_, code, expected) => {
  const name = code.startsWith('./') ? code : `${moduleWith(code)}#mine`;
  await expect(loadMethod(choosing(name))).rejects.toThrow(expected);
});

const strict = defineMethod({
  name: 'strict',
  settings: z.strictObject({ strength: z.number() }),
  objective: ({ strength }) => ({
    learnsFrom: 'images',
    withinPrompts: true,
    reuse: 'once',
    smallestGroup: strength,
    advantages: ({ rewards }) => rewards.map((row) => [...row]),
    loss: ({ error }) => error,
  }),
  problems: ({ strength }, { k }) => (strength === k ? ['strength must not be k'] : []),
}) as Method<unknown, unknown>;

test('functions of an objective have it for this, also of a class', async () => {
  const code = `class Own {
    constructor() {
      Object.assign(this, { learnsFrom: 'images', withinPrompts: true, reuse: 'once', by: 3 });
    }
    advantages({ rewards }) { return rewards.map((row) => row.map(() => this.by)); }
    loss() { return this.by; }
  }
  exports.mine = { name: 'mine', objective: () => new Own() };`;
  const { objective } = await loadMethod(choosing(`${moduleWith(code)}#mine`));
  const { advantages, loss } = objective;
  expect((advantages as (given: unknown) => number[][])({ rewards: [[1, 2]] })).toEqual([[3, 3]]);
  expect((loss as () => unknown)()).toBe(3);
});

test('what fails in one of one’s own is told with its name and place', async () => {
  const code = `exports.mine = { name: 'mine', objective: () => ({
    learnsFrom: 'images', withinPrompts: true, reuse: 'once',
    advantages: {
      estimate: () => { throw new Error('no luck.'); },
      state() { return this.kept; },
      restore(state) { this.kept = state; },
    },
    loss: ({ rows }) => rows.logProb,
  }) };`;
  const { objective } = await loadMethod(choosing(`${moduleWith(code)}#mine`));
  expect(() => (objective.loss as (given: unknown) => unknown)({})).toThrow(
    "The method mine failed in its loss: Cannot read properties of undefined (reading 'logProb')",
  );
  const advantages = objective.advantages as RememberedAdvantages;
  expect(() => advantages.estimate({ prompts: [], rewards: [], mask: [] })).toThrow(
    'The method mine failed in its advantages: no luck',
  );
  advantages.restore(3);
  expect(advantages.state()).toBe(3);
});

test('what code gave can only be gone on with from code', async () => {
  await expect(loadMethod(choosing('code:mine'))).rejects.toThrow('only code can go on with it');
});

test('settings are checked by the method’s schema; one without takes none', async () => {
  const load = (settings: object, algorithm: object = {}, method = strict) =>
    loadMethod(choosing('code:strict', { k: 3, settings, ...algorithm }), method);
  expect((await load({ strength: 2 })).objective.smallestGroup).toBe(2);
  await expect(load({ force: 1 })).rejects.toThrow(
    'The method strict does not take its settings: algorithm.settings',
  );
  const none = defineMethod({
    name: 'none',
    objective: () => strict.objective({ strength: 2 }),
  }) as Method<unknown, unknown>;
  await expect(load({ force: 1 }, {}, none)).rejects.toThrow(
    "The method none takes no settings, but algorithm.settings has 'force'",
  );
});

test('what does not go with a method of the package does not go with one of one’s own', async () => {
  const load = (strength: number, algorithm: object = {}) =>
    loadMethod(choosing('code:strict', { k: 3, settings: { strength }, ...algorithm }), strict);
  await expect(load(4)).rejects.toThrow('algorithm.k is 3, but strict compares');
  await expect(load(3)).rejects.toThrow('Configuration: strength must not be k');
  await expect(load(2, { klInReward: 1 })).rejects.toThrow('which strict does not keep');
});
