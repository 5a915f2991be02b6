import Ajv from 'ajv';

import { configJsonSchema, type JsonSchema } from './json-schema';
import { configKeys } from './key-reference';
import { resolveConfig } from './resolve-config';

const schema = configJsonSchema();
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(JSON.stringify(schema)) as object);

function at(path: string): JsonSchema | undefined {
  let node: JsonSchema | undefined = schema;
  for (const name of path.replaceAll('[]', '.[]').split('.')) {
    const section: JsonSchema | undefined = node?.properties
      ? node
      : node?.anyOf?.find(({ properties }) => properties !== undefined);
    node = name === '[]' ? (node?.items as JsonSchema) : section?.properties?.[name];
  }
  return node;
}

test('every key is there with its meaning, range and default', () => {
  for (const key of configKeys()) {
    const description = at(key.path)?.description;
    expect(description).toContain(`${key.description} (${key.expected}`);
    expect(at(key.path)?.default).toEqual(key.default);
  }
});

test('every section says what it is about', () => {
  const undescribed = (node: JsonSchema): string[] =>
    Object.entries(node.properties ?? {}).flatMap(([name, child]) => [
      ...(child.description === undefined ? [name] : []),
      ...undescribed(child),
    ]);
  expect(undescribed(schema)).toEqual([]);
});

test('a limit that is none, or not a number in JSON, is left out', () => {
  expect(at('iterations')).toMatchObject({ type: 'integer', minimum: 1 });
  expect(at('iterations')).not.toHaveProperty('maximum');
  expect(at('sampler.steps')).toMatchObject({ minimum: 1, maximum: 1000 });
  expect(JSON.stringify(schema)).not.toMatch(/"(minimum|maximum)":(null|9007199254740991)/);
  expect(JSON.stringify(schema)).not.toContain('"expected"');
});

test('a key that may be null says so', () => {
  expect(at('algorithm.advantageClip')?.description).toBe(
    'largest size of an advantage; null for no limit (a number above 0, or null)',
  );
});

test.each<[string, unknown]>([
  ['nothing', {}],
  ['the resolved defaults', resolveConfig(undefined)],
  ['some keys', { rewards: [{ name: 'shapes' }], algorithm: { clipRange: 0.1 }, seed: 3 }],
  ['null where it has a meaning', { algorithm: { advantageClip: null } }],
])('accepts %s', (_, config) => {
  expect(validate(config) ? [] : validate.errors).toEqual([]);
});

test.each<[string, unknown]>([
  ['an unknown key', { batch: { promts: 3 } }],
  ['an unknown section', { sampling: {} }],
  ['an unknown key in a list', { rewards: [{ name: 'shapes', wieght: 1 }] }],
  ['a fraction for a count', { iterations: 1.5 }],
  ['a value out of its range', { sampler: { eta: 2 } }],
  ['an unknown name', { algorithm: { name: 'gropo' } }],
  ['no rewards', { rewards: [] }],
  ['three betas', { optimizer: { betas: [0.9, 0.99, 0.999] } }],
  ['null where it has none', { seed: null }],
])('refuses %s', (_, config) => {
  expect(validate(config)).toBe(false);
});
