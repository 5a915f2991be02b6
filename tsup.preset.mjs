import { defineConfig } from 'tsup';

/** The one build of every package: ESM and CJS with types, for Node 20 and later. */
export function libraryBuild(entry = ['src/index.ts']) {
  return defineConfig({
    entry,
    format: ['esm', 'cjs'],
    target: 'node20',
    sourcemap: true,
    clean: true,
    shims: true,
    dts: { compilerOptions: { composite: false, ignoreDeprecations: '6.0', customConditions: [] } },
  });
}
