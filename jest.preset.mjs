import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const fromRoot = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What jest takes from the configuration that it is started with alone. */
export const runOptions = {
  // TensorFlow's buffers outlive a test file; a worker that has grown past this starts afresh.
  workerIdleMemoryLimit: '2GB',
  // To give those gigabytes back takes a process seconds on a busy machine; after half a second, the default, jest would end
  // it by force and blame the tests. A handle that a test leaves open is noticed still.
  workerGracefulExitTimeout: 30_000,
};

/** A package's own run has them, too; as one of several projects a package may not. */
const isRunOfAll = process.cwd() === dirname(fileURLToPath(import.meta.url));

/** A package without tensors. */
export function plainProject(displayName) {
  return {
    displayName,
    ...(isRunOfAll ? {} : runOptions),
    testEnvironment: fromRoot('tools/jest/environment.cjs'),
    testEnvironmentOptions: { customExportConditions: ['@loop/source', 'node'] },
    testMatch: ['<rootDir>/src/**/*.test.ts'],
    moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
    transform: {
      '^.+\\.[tj]s$': [
        '@swc/jest',
        {
          jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
          module: { type: 'commonjs' },
        },
      ],
    },
    transformIgnorePatterns: [
      '/node_modules/(?!(vega|vega-[a-z-]+|d3-[a-z-]+|internmap|delaunator|robust-predicates)/)',
    ],
    testTimeout: 240_000,
    // Looked up in a test's own realm a global costs about a microsecond, and pixel loops ask for Math millions of times.
    sandboxInjectedGlobals: ['Math'],
  };
}

/** A package with tensors: its tests run on native TensorFlow. */
export function tensorProject(displayName) {
  return {
    ...plainProject(displayName),
    setupFilesAfterEnv: [fromRoot('tools/jest/native-backend.ts')],
  };
}
