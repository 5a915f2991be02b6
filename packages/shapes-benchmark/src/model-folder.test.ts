import { basename, dirname, isAbsolute } from 'node:path';

import { shapesModelFolder } from './model-folder';

describe('shapesModelFolder', () => {
  it('lies in this package', () => {
    const folder = shapesModelFolder();
    expect(isAbsolute(folder)).toBe(true);
    expect(basename(folder)).toBe('model');
    expect(basename(dirname(folder))).toBe('shapes-benchmark');
  });
});
