import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { schemaPathFrom } from './schema-path';

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'loop-diffusion-')));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function install(folder: string): void {
  const dist = join(folder, 'node_modules', '@loop-diffusion', 'trainer', 'dist');
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'config.schema.json'), '{}');
}

test('goes through node_modules of the folder or one above', () => {
  install(base);
  const path = 'node_modules/@loop-diffusion/trainer/dist/config.schema.json';
  expect(schemaPathFrom(base)).toBe(`./${path}`);
  expect(schemaPathFrom(join(base, 'configs', 'new'))).toBe(`../../${path}`);
});

test('is that of this package where none is installed', () => {
  const own = join(__dirname, '..', '..', 'dist', 'config.schema.json');
  expect(resolve(base, schemaPathFrom(base))).toBe(own);
});

test('is a URL where a space would end a path', () => {
  expect(schemaPathFrom(base, join(base, 'my tools', 'config.schema.json'))).toBe(
    `${pathToFileURL(base).href}/my%20tools/config.schema.json`,
  );
});
