import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonFile, addonHash, compileAddon } from './addon';

let folder: string;
const { CXX } = process.env;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
});

afterEach(() => {
  if (CXX === undefined) delete process.env['CXX'];
  else process.env['CXX'] = CXX;
  rmSync(folder, { recursive: true });
});

it('hashes the sources the same way each time', () => {
  expect(addonHash()).toMatch(/^[0-9a-f]{12}$/);
  expect(addonHash()).toBe(addonHash());
});

it("tells a compiler's first error, out of many lines", async () => {
  const compiler = join(folder, 'compiler');
  const says =
    'In file included from a.cc:\\na.cc:3:10: fatal error: node_api.h: No such file\\ncompilation terminated.';
  writeFileSync(
    compiler,
    `#!/bin/sh\n[ "$1" = --version ] && exit 0\nprintf '${says}\\n' >&2\nexit 1\n`,
  );
  chmodSync(compiler, 0o755);
  process.env['CXX'] = compiler;
  await expect(compileAddon(folder)).rejects.toMatchObject({
    kind: 'compiler',
    message: expect.stringMatching(/fatal error: node_api\.h: No such file$/) as string,
  });
  expect(existsSync(join(folder, addonFile))).toBe(false);
});
