import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { makeAppendOnlyFile } from './append-only-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a piece is one write, and there at once', () => {
  const path = join(folder, 'file');
  let calls = 0;
  const file = makeAppendOnlyFile(path, 'it', (descriptor, bytes, offset) => {
    calls += 1;
    return writeSync(descriptor, bytes, offset);
  });
  file.append(Buffer.from('one,'));
  file.append(Buffer.from('two,'));
  expect(readFileSync(path, 'utf8')).toBe('one,two,');
  expect(calls).toBe(2);
  file.close();
  file.close();
  expect(() => {
    file.append(Buffer.from('three'));
  }).toThrow('is closed');
});

test('a full disk leaves whole pieces only', () => {
  const path = join(folder, 'file');
  let left = 6;
  const file = makeAppendOnlyFile(path, 'the log', (descriptor, bytes, offset) => {
    if (left === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    const count = Math.min(left, bytes.length - offset);
    left -= count;
    return writeSync(descriptor, bytes, offset, count);
  });
  file.append(Buffer.from('one,'));
  expect(() => {
    file.append(Buffer.from('two,'));
  }).toThrow(`Cannot write the log '${path}': no space is left on the disk`);
  expect(readFileSync(path, 'utf8')).toBe('one,');
  left = 100;
  file.append(Buffer.from('three'));
  file.close();
  expect(readFileSync(path, 'utf8')).toBe('one,three');
});

test('what exists is never written into', () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'precious');
  expect(() => makeAppendOnlyFile(path, 'it')).toThrow(UserError);
  expect(readFileSync(path, 'utf8')).toBe('precious');
});

(process.platform === 'win32' ? test.skip : test)('a file that was removed is missed', () => {
  const path = join(folder, 'file');
  const file = makeAppendOnlyFile(path, 'the log');
  file.append(Buffer.from('one'));
  rmSync(path);
  expect(() => {
    file.append(Buffer.from('two'));
  }).toThrow(`Cannot write the log '${path}': it was removed, or its folder was`);
  file.close();
});
