import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { addonFile, functionsAddonFile, startupAddonFile } from './addon-files';
import { compile, findCompiler, onAllCores } from './compiler';
import { compileKernels, kernelFiles, kernelFlags } from './kernels/compile-kernels';
import { nativeSource, nodeApiHeaderFolder, tfjsNodeFile } from './package-files';
import type { NativeBuild } from './wheels';

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

/** tfjs-node's own sources, unchanged, and those of ours that need the context which they make. */
function addonSources(): string[] {
  return [
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(bindingFolder(), file)),
    ...['asynchronous.cc', 'context.cc', 'listen-address.cc'].map(nativeSource),
  ];
}

function ownHeaders(): string[] {
  return ['context.h', 'listen-address.h'].map(nativeSource);
}

/** Ours see the context that is made, and add functions to those of the addon. */
const addonFlags = ['-Wl,--wrap=TFE_NewContext', '-Wl,--wrap=napi_define_properties', '-pthread'];

function functionsSources(): string[] {
  return [nativeSource('functions.cc')];
}

function startupSources(): string[] {
  return [nativeSource('startup.cc')];
}

/** Changes whenever the addons would: their sources, the headers, the flags. Names the folder in the cache. */
export function addonHash(): string {
  const hash = createHash('sha256');
  const headers = readdirSync(bindingFolder())
    .filter((file) => file.endsWith('.h'))
    .sort()
    .map((file) => join(bindingFolder(), file));
  const add = (path: string, name: string): void => {
    const bytes = readFileSync(path);
    hash.update(`${name} ${bytes.length.toString()}\n`).update(bytes);
  };
  const sources = [...addonSources(), ...functionsSources(), ...startupSources()];
  for (const path of [...sources, ...ownHeaders(), ...headers]) add(path, basename(path));
  const kernels = kernelFiles();
  for (const path of [...kernels.sources, ...kernels.headers]) {
    add(path, relative(kernels.folder, path));
  }
  hash.update(
    JSON.stringify([compilerFlags, libraryFlags, addonFlags, kernelFlags(), process.arch]),
  );
  return hash.digest('hex').slice(0, 12);
}

/**
 * Compiles the addons into `folder`, against the headers that lie there; the kernels for processors only where the build is
 * for these.
 */
export async function compileAddon(
  folder: string,
  { kind }: Pick<NativeBuild, 'kind'>,
): Promise<void> {
  const compiler = await findCompiler();
  const headers = [`-I${nodeApiHeaderFolder()}`, `-I${join(folder, 'tensorflow', 'include')}`];
  // Linking with the real library takes 15 s and 900 MB for its symbols, which are not needed: an empty one of the same
  // name leaves them to be found when the addon is loaded.
  const stubs = join(folder, 'stubs');
  await mkdir(stubs);
  const empty = join(stubs, 'empty.cc');
  await writeFile(empty, '');
  const link = [`-L${stubs}`, ...libraryFlags];
  const make = (file: string, parameters: readonly string[]): Promise<void> =>
    compile(compiler, join(folder, file), [...compilerFlags, ...headers, ...parameters]);
  await compile(compiler, join(stubs, libraryName), [
    ...compilerFlags,
    empty,
    `-Wl,-soname,${libraryName}`,
  ]);
  await onAllCores([
    () => make(addonFile, [`-I${bindingFolder()}`, ...addonSources(), ...link, ...addonFlags]),
    () => make(functionsAddonFile, [...functionsSources(), ...link, '-ldl']),
    () => make(startupAddonFile, [...startupSources(), '-ldl']),
  ]);
  if (kind === 'cpu') await compileKernels({ compiler, folder, headers, link });
  await rm(stubs, { recursive: true });
}
