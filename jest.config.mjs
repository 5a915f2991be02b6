/** All packages in one run; a single package: `cd packages/NAME && npx jest`. */
export default {
  // A run of several projects takes this from here alone. Generous: tests state no timings, and machines are busy.
  testTimeout: 240_000,

  projects: ['<rootDir>/packages/*/jest.config.mjs', '<rootDir>/tools/jest.config.mjs'],
  // TensorFlow's buffers outlive a test file; a worker that has grown past this starts afresh.
  workerIdleMemoryLimit: '2GB',
  // To give those gigabytes back takes a process seconds on a busy machine; after half a second, the default, jest would end
  // it by force and blame the tests. A handle that a test leaves open is noticed still.
  workerGracefulExitTimeout: 30_000,
  // Asked for by `npm test`; of the library's sources, loaded or not.
  coverageProvider: 'v8',
  collectCoverageFrom: [
    '<rootDir>/packages/*/src/**/*.ts',
    '!**/*.test.ts',
    '!**/{testing,fixtures}/**',
    '!**/index.ts',
  ],
};
