import { parse } from 'yaml';

import { configTemplate } from './config-template';
import { configKeys } from './key-reference';
import { resolveConfig } from './resolve-config';

const text = configTemplate('./node_modules/x/config.schema.json');

test('names the schema in its first line, as editors look for it', () => {
  expect(text.split('\n')[0]).toBe(
    '# yaml-language-server: $schema=./node_modules/x/config.schema.json',
  );
});

test('is the defaults', () => {
  expect(resolveConfig(parse(text))).toEqual(resolveConfig(undefined));
});

test('holds every key, with what it means and may be', () => {
  for (const { path, description, expected } of configKeys()) {
    expect(text).toMatch(new RegExp(`^[ #-]*${path.split(/[.[\]]+/).at(-1) ?? ''}:`, 'm'));
    expect(text).toContain(`${description} (${expected}`);
  }
});

test('a key whose default depends on others can be had by taking its # away', () => {
  const changed = text.replace('# innerUpdates:', 'innerUpdates: 6');
  expect(resolveConfig(parse(changed)).algorithm.innerUpdates).toBe(6);
});
