import Ajv from 'ajv';

import { editorSchema } from './editor-schema';
import { resolveConfig } from './resolve-config';

async function validator() {
  const schema = JSON.parse(JSON.stringify(await editorSchema())) as object;
  return new Ajv({ allErrors: true }).compile(schema);
}

test.each<[string, unknown]>([
  ['the resolved defaults', resolveConfig(undefined)],
  ['a reward by its name', { rewards: [{ name: 'clip-score', settings: { model: 'x' } }] }],
  ['one of your own', { rewards: [{ name: './my.mjs#reward', settings: { anything: 1 } }] }],
  ['reinforce with one sample', { algorithm: { name: 'reinforce', k: 1 } }],
  ['a tracking server', { tracking: { mlflow: { url: 'http://localhost:5000' } } }],
])('accepts %s', async (_, config) => {
  const validate = await validator();
  expect(validate(config) ? [] : validate.errors).toEqual([]);
});

test.each<[string, unknown]>([
  ['a misspelt reward', { rewards: [{ name: 'clipscore' }] }],
  ['a setting that the reward does not take', { rewards: [{ name: 'ocr', settings: { a: 1 } }] }],
  ['a setting of another kind', { rewards: [{ name: 'clip-score', settings: { model: 3 } }] }],
  ['settings of shapes', { rewards: [{ name: 'shapes', settings: { a: 1 } }] }],
  ['one sample of loop', { algorithm: { k: 1 } }],
  ['an address without http', { tracking: { mlflow: { url: 'localhost:5000' } } }],
  ['a text of spaces', { output: '  ' }],
])('refuses %s, as train does', async (_, config) => {
  expect((await validator())(config)).toBe(false);
});

test('offers the names of rewards, and their settings', async () => {
  const text = JSON.stringify(await editorSchema());
  for (const word of ['"judge"', '"remote"', '"tokenEnv"', '"rubric"'])
    expect(text).toContain(word);
  expect(text).not.toContain('9007199254740991');
});
