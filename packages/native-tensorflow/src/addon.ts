import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from './run-command';
import { NativeTensorflowError } from './errors';
import { nativeSource, nodeApiHeaderFolder, tfjsNodeFile } from './package-files';

/** File names inside an installed build. */
export const addonFile = 'tfjs_binding.node';
export const startupAddonFile = 'startup.node';
export const functionsAddonFile = 'functions.node';

const compilerFlags = [
  '-std=c++17',
  '-O2',
  '-shared',
  '-fPIC',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=tfjs_binding',
];

const libraryName = 'libtensorflow_cc.so.2';

/** The library is found relative to the addon, so that the folder can be renamed into place. */
const libraryFlags = ['-Wl,--no-as-needed', `-l:${libraryName}`, '-Wl,-rpath,$ORIGIN/tensorflow'];

function bindingFolder(): string {
  return tfjsNodeFile('binding');
}

/** tfjs-node's own sources, unchanged, and one of ours that keeps the context which they make. */
function addonSources(): string[] {
  return [
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(bindingFolder(), file)),
    nativeSource('context.cc'),
  ];
}

const keepContext = '-Wl,--wrap=TFE_NewContext';

function functionsSources(): string[] {
  return [nativeSource('functions.cc')];
}

function startupSources(): string[] {
  return [nativeSource('startup.cc')];
}

/** Changes whenever the addon would: its sources, their headers, the flags. Names the folder in the cache. */
export function addonHash(): string {
  const hash = createHash('sha256');
  const headers = readdirSync(bindingFolder())
    .filter((file) => file.endsWith('.h'))
    .sort()
    .map((file) => join(bindingFolder(), file));
  for (const path of [...addonSources(), ...functionsSources(), ...startupSources(), ...headers]) {
    const bytes = readFileSync(path);
    hash.update(`${basename(path)} ${bytes.length.toString()}\n`).update(bytes);
  }
  hash.update(JSON.stringify([compilerFlags, libraryFlags, keepContext, process.arch]));
  return hash.digest('hex').slice(0, 12);
}

/** The C++ compiler: `$CXX`, or the first of the usual ones that answers. */
export async function findCompiler(): Promise<string> {
  const candidates = [process.env['CXX'], 'g++', 'c++', 'clang++'];
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    const result = await run(candidate, ['--version']);
    if (result.code === 0) return candidate;
  }
  throw new NativeTensorflowError(
    'compiler',
    'No C++ compiler was found (looked for $CXX, g++, c++ and clang++): install g++, for example with `apt-get install g++`.',
  );
}

/** Compiles the addons into `folder`, against the headers that lie there. */
export async function compileAddon(folder: string): Promise<void> {
  const compiler = await findCompiler();
  const headers = [`-I${nodeApiHeaderFolder()}`, `-I${join(folder, 'tensorflow', 'include')}`];
  // Linking with the real library takes 15 s and 900 MB for its symbols, which are not needed: an empty one of the same
  // name leaves them to be found when the addon is loaded.
  const stubs = join(folder, 'stubs');
  await mkdir(stubs);
  const empty = join(stubs, 'empty.cc');
  await writeFile(empty, '');
  await compile(compiler, join(stubs, libraryName), [empty, `-Wl,-soname,${libraryName}`]);
  await Promise.all([
    compile(compiler, join(folder, addonFile), [
      ...headers,
      ...addonSources(),
      `-L${stubs}`,
      ...libraryFlags,
      keepContext,
    ]),
    compile(compiler, join(folder, functionsAddonFile), [
      ...headers,
      ...functionsSources(),
      `-L${stubs}`,
      ...libraryFlags,
      '-ldl',
    ]),
    compile(compiler, join(folder, startupAddonFile), [...headers, ...startupSources(), '-ldl']),
  ]);
  await rm(stubs, { recursive: true });
}

async function compile(
  compiler: string,
  output: string,
  parameters: readonly string[],
): Promise<void> {
  const result = await run(compiler, [...compilerFlags, '-o', output, ...parameters]);
  if (result.code === 0) return;
  throw new NativeTensorflowError(
    result.errors.includes('No space left') ? 'disk' : 'compiler',
    `${compiler} could not compile ${basename(output)}: ${firstError(result.errors)}`,
    { cause: new Error(result.errors) },
  );
}

function firstError(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? 'it gave no reason';
}
