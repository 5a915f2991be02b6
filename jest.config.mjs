import { runOptions } from './jest.preset.mjs';

/** All packages in one run; a single package: `cd packages/NAME && npx jest`. */
export default {
  // A run of several projects takes this from here alone. Generous: tests state no timings, and machines are busy.
  testTimeout: 240_000,

  projects: ['<rootDir>/packages/*/jest.config.mjs', '<rootDir>/tools/jest.config.mjs'],
  ...runOptions,
  // Asked for by `npm test -- coverage`; of the library's sources, loaded or not.
  coverageProvider: 'v8',
  collectCoverageFrom: [
    '<rootDir>/packages/*/src/**/*.ts',
    '!**/*.test.ts',
    '!**/{testing,fixtures}/**',
    '!**/index.ts',
  ],
};
