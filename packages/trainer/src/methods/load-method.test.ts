import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { loadMethod } from './load-method';
import { defineMethod, type Method } from './method';

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

const choice = { settings: {}, k: 2 };
const OBJECTIVE = `{
  learnsFrom: 'trajectories', withinPrompts: true, reuse: 'once',
  advantages: ({ rewards }) => rewards, loss: ({ logProb }) => logProb,
}`;

test('a method of the package is found by its name, with its settings', async () => {
  const { name, objective } = await loadMethod({ ...choice, name: 'loop' });
  expect([name, objective.learnsFrom]).toEqual(['loop', 'trajectories']);
  const steps = await loadMethod({ ...choice, name: 'dpo', dpo: { form: 'steps' } } as never);
  expect(steps.objective.learnsFrom).toBe('trajectories');
});

test('one of a module is found by its place', async () => {
  const code = `exports.mine = { name: 'mine', objective: () => (${OBJECTIVE}) };`;
  const { name, objective } = await loadMethod({ ...choice, name: `${moduleWith(code)}#mine` });
  expect([name, objective.reuse]).toEqual(['mine', 'once']);
});

test.each([
  ['no file', './nowhere.mjs#mine', 'there is no file'],
  ['no export', 'exports.other = 1;', 'has no export'],
  ['no method', 'exports.mine = { name: "mine" };', 'is no method; expected an object'],
  [
    'no objective',
    "exports.mine = { name: 'mine', objective: () => ({ learnsFrom: 'dreams' }) };",
    /learnsFrom must be .*reuse must be .*withinPrompts must be .*advantages must be .*loss must be/,
  ],
])('%s is one sentence', async (_, code, expected) => {
  const name = code.startsWith('./') ? code : `${moduleWith(code)}#mine`;
  await expect(loadMethod({ ...choice, name })).rejects.toThrow(expected);
});

test('settings are checked by the method’s schema; one without takes none', async () => {
  const strict = defineMethod({
    name: 'strict',
    settings: z.strictObject({ strength: z.number() }),
    objective: ({ strength }) => ({
      learnsFrom: 'trajectories',
      withinPrompts: true,
      reuse: 'once',
      smallestGroup: strength,
      advantages: ({ rewards }) => rewards.map((row) => [...row]),
      loss: ({ logProb }) => logProb,
    }),
  }) as Method<unknown, unknown>;
  const named = { name: 'code:strict', k: 3 };
  const { objective } = await loadMethod({ ...named, settings: { strength: 3 } }, strict);
  expect(objective.smallestGroup).toBe(3);
  await expect(loadMethod({ ...named, settings: { strength: 4 } }, strict)).rejects.toThrow(
    'algorithm.k is 3, but the method strict needs at least 4',
  );
  await expect(loadMethod({ ...named, settings: { force: 1 } }, strict)).rejects.toThrow(
    'The method strict does not take its settings: algorithm.settings',
  );
  const none = defineMethod({ name: 'none', objective: () => objective }) as Method<
    unknown,
    unknown
  >;
  await expect(loadMethod({ ...named, settings: { force: 1 } }, none)).rejects.toThrow(
    "The method none takes no settings, but algorithm.settings has 'force'",
  );
});
