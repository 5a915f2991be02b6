import { homedir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { homePath } from './home-path';

test('a leading ~ is the home, and other paths are as they are', () => {
  expect(homePath('~', 'output')).toBe(homedir());
  expect(homePath('~/runs/x', 'output')).toBe(join(homedir(), 'runs', 'x'));
  for (const path of ['runs/~x', './~/x', 'a~b', '/tmp/x', '~~', 'cost $', 'hf:owner/name']) {
    expect(homePath(path, 'output')).toBe(path);
  }
});

test.each([
  ['~other/x', 'homes of others'],
  ['$HOME/x', 'variables are not filled in'],
  ['runs/${USER}', 'variables are not filled in'],
])('%s is refused', (path, message) => {
  expect(() => homePath(path, '--out')).toThrow(UserError);
  expect(() => homePath(path, '--out')).toThrow(`--out is '${path}'`);
  expect(() => homePath(path, '--out')).toThrow(message);
});
