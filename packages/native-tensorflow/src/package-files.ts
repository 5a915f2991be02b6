import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `require` as seen from this package, also where this file runs as an ES module. */
export const requireHere = createRequire(import.meta.url);

/** `require` as seen from @tensorflow/tfjs-node-gpu, whose own dependencies need not be visible from here. */
export function requireFromTfjsNode(): NodeJS.Require {
  return createRequire(tfjsNodeFile('package.json'));
}

/** A file inside the installed npm package @tensorflow/tfjs-node-gpu. */
export function tfjsNodeFile(path: string): string {
  return join(dirname(requireHere.resolve('@tensorflow/tfjs-node-gpu/package.json')), path);
}

/** The folder with `node_api.h`. */
export function nodeApiHeaderFolder(): string {
  return join(dirname(requireHere.resolve('node-api-headers/package.json')), 'include');
}

/** One of this package's own C++ sources; `src` and `dist` lie side by side. */
export function nativeSource(file: string): string {
  return fileURLToPath(new URL(`../src/native/${file}`, import.meta.url));
}
