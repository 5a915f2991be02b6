import { plainProject } from '../jest.preset.mjs';

export default {
  ...plainProject('tools'),
  testMatch: ['<rootDir>/**/*.test.ts'],
  // The set-up script is plain JavaScript, for it runs before anything is installed.
  transform: Object.fromEntries(
    Object.entries(plainProject('tools').transform).map(([, transform]) => [
      '^.+\\.(mjs|[jt]s)$',
      transform,
    ]),
  ),
};
