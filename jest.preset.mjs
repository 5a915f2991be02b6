import { fileURLToPath } from 'node:url';

const fromRoot = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A package without tensors. */
export function plainProject(displayName) {
  return {
    displayName,
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
