import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `require` as seen from this package, also where this file runs as an ES module. */
export const requireHere = createRequire(import.meta.url);

/**
 * Where the used part of @tensorflow/tfjs-node-gpu lies: the build copies it into `dist`; in the workspace's sources the
 * npm package itself serves.
 */
function tfjsNodeFolder(): string {
  const copied = fileURLToPath(new URL('./tfjs-node', import.meta.url));
  if (existsSync(join(copied, 'package.json'))) return copied;
  return dirname(requireHere.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

export function tfjsNodeFile(path: string): string {
  return join(tfjsNodeFolder(), path);
}

/** Registers TensorFlow.js's gradients: from the build's bundle of them, in the workspace from the union package. */
export function requireGradients(): void {
  const bundle = tfjsNodeFile('dist/gradients.js');
  if (existsSync(bundle)) requireHere(bundle);
  else createRequire(tfjsNodeFile('package.json'))('@tensorflow/tfjs');
}

/** The folder with `node_api.h`. */
export function nodeApiHeaderFolder(): string {
  return join(dirname(requireHere.resolve('node-api-headers/package.json')), 'include');
}

/** One of this package's own C++ sources; `src` and `dist` lie side by side. */
export function nativeSource(file: string): string {
  return fileURLToPath(new URL(`../src/native/${file}`, import.meta.url));
}

/**
 * Node's arguments to run one of this package's own programs: built, it lies in `dist`; in the workspace its source runs.
 *
 * @param name of its source in `src`, without the ending
 */
export function ownProgram(name: string): string[] {
  const built = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  if (existsSync(built)) return [built];
  const loader = pathToFileURL(requireHere.resolve('tsx')).href;
  const source = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  return ['--conditions', '@loop/source', '--import', loader, source];
}
