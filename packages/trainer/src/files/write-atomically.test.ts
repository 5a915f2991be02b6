import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { checkWritable } from './check-writable';
import { writeFileAtomically } from './write-atomically';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function diskFull(): never {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
}

describe('writeFileAtomically', () => {
  test('makes folders on the way and replaces what was there', () => {
    const path = join(folder, 'a', 'b', 'file.txt');
    writeFileAtomically(path, 'first');
    writeFileAtomically(path, new Uint8Array([50]));
    expect(readFileSync(path, 'utf8')).toBe('2');
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['file.txt']);
  });

  test('goes on after a write that took only a part', () => {
    const path = join(folder, 'file.txt');
    writeFileAtomically(path, 'slowly', (descriptor, bytes, offset) =>
      writeSync(descriptor, bytes, offset, 1),
    );
    expect(readFileSync(path, 'utf8')).toBe('slowly');
  });

  test('a full disk leaves the old file and nothing half-written, and is one sentence', () => {
    const path = join(folder, 'file.txt');
    writeFileSync(path, 'old');
    let calls = 0;
    const write = (descriptor: number, bytes: Uint8Array, offset: number) =>
      calls++ === 0 ? writeSync(descriptor, bytes, offset, 1) : diskFull();
    expect(() => {
      writeFileAtomically(path, 'new contents', write);
    }).toThrow(`Cannot write '${path}': no space is left on the disk; free some and run again`);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file.txt']);
  });

  test('a file where a folder is needed is named', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => {
      writeFileAtomically(join(folder, 'file', 'x'), 'x');
    }).toThrow(UserError);
  });
});

describe('checkWritable', () => {
  test('passes for a folder that exists or could be made, and leaves nothing behind', () => {
    checkWritable(folder);
    checkWritable(join(folder, 'a', 'b'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('refuses a file, a place below a file, and one where nothing can be made', () => {
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'x'));
    expect(() => {
      checkWritable(join(folder, 'file'));
    }).toThrow('is a file');
    expect(() => {
      checkWritable(join(folder, 'file', 'a', 'b'));
    }).toThrow('is a file');
    if (process.platform === 'linux') {
      // Not even root can make a file here.
      expect(() => {
        checkWritable('/proc/loop-diffusion/run');
      }).toThrow(UserError);
    }
  });
});
