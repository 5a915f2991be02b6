import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonHash, compileAddon } from './addon';
import { addonFile } from './addon-files';
import { kernelProblems } from './kernels/kernel-record';

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

/** A compiler that does what the lines of a shell script say. */
function useCompiler(...lines: readonly string[]): void {
  const compiler = join(folder, 'compiler');
  const script = ['#!/bin/sh', '[ "$1" = --version ] && exit 0', ...lines];
  writeFileSync(compiler, script.join('\n'));
  chmodSync(compiler, 0o755);
  process.env['CXX'] = compiler;
}

/** Makes a file of each output, which comes last. */
const makeOutput = ['for output; do :; done', 'touch "$output"'];

it("tells a compiler's first error, out of many lines", async () => {
  const says =
    'In file included from a.cc:\\na.cc:3:10: fatal error: node_api.h: No such file\\ncompilation terminated.';
  useCompiler(`printf '${says}\\n' >&2`, 'exit 1');
  await expect(compileAddon(folder, { kind: 'cpu' })).rejects.toMatchObject({
    kind: 'compiler',
    message: expect.stringMatching(/fatal error: node_api\.h: No such file$/) as string,
  });
  expect(existsSync(join(folder, addonFile))).toBe(false);
});

it('leaves out the kernels of an instruction set that the compiler cannot compile, and keeps why', async () => {
  useCompiler(
    `case "$*" in *-mavx512f*) echo 'x.cc: error: unrecognized option -mavx512f' >&2; exit 1;; esac`,
    ...makeOutput,
  );
  await compileAddon(folder, { kind: 'cpu' });
  const made = readdirSync(folder).sort();
  expect(made).toEqual(
    [
      ...['compiler', 'functions.node', 'kernels-avx2.node', 'kernels.json', 'startup.node'],
      'tfjs_binding.node',
    ].sort(),
  );
  expect(await kernelProblems(folder)).toEqual(
    ['AVX-512 with bfloat16', 'AVX-512'].map(
      (set) =>
        expect.stringMatching(
          `^The kernels for ${set} are not used: .*could not compile .*unrecognized option -mavx512f$`,
        ) as string,
    ),
  );
});

it('a build for GPUs has no kernels', async () => {
  useCompiler(...makeOutput);
  await compileAddon(folder, { kind: 'gpu' });
  expect(readdirSync(folder).filter((file) => file.startsWith('kernels'))).toEqual([]);
});

it('a disk that is full while kernels are compiled is told as that', async () => {
  useCompiler(
    `case "$*" in *-mavx2*) echo 'error: No space left on device' >&2; exit 1;; esac`,
    ...makeOutput,
  );
  await expect(compileAddon(folder, { kind: 'cpu' })).rejects.toMatchObject({ kind: 'disk' });
});
