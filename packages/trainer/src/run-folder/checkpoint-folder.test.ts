import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeToDescriptor } from '../files/write-atomically';
import {
  checkpointSteps,
  pruneCheckpoints,
  readCheckpoint,
  readNewestCheckpoint,
  writeCheckpoint,
} from './checkpoint-folder';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoints-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const FILES = {
  'state.json': new TextEncoder().encode('{"iterations": 3}\n'),
  'adapter.safetensors': Uint8Array.from({ length: 40 }, (_, index) => index * 5),
};

test('what was written is read back', () => {
  writeCheckpoint(folder, 3, FILES);
  const { checkpoint, damaged } = readNewestCheckpoint(folder);
  expect(damaged).toEqual([]);
  expect(checkpoint).toEqual({ step: 3, folder: join(folder, 'step-3'), files: FILES });
  expect(readdirSync(folder)).toEqual(['step-3']);
});

test('every changed byte and every truncation of every file is noticed', () => {
  writeCheckpoint(folder, 3, FILES);
  const checkpoint = join(folder, 'step-3');
  let tried = 0;
  for (const name of readdirSync(checkpoint)) {
    const file = join(checkpoint, name);
    const original = readFileSync(file);
    for (let position = 0; position < original.length; position += 1) {
      for (const bits of [0x01, 0x80]) {
        const flipped = Buffer.from(original);
        flipped[position] = (flipped[position] ?? 0) ^ bits;
        writeFileSync(file, flipped);
        expect(() => readCheckpoint(checkpoint)).toThrow('cannot be used');
        tried += 1;
      }
      writeFileSync(file, original);
      truncateSync(file, position);
      expect(() => readCheckpoint(checkpoint)).toThrow('cannot be used');
      writeFileSync(file, original);
    }
  }
  expect(tried).toBeGreaterThan(2 * 400);
  expect(readCheckpoint(checkpoint).files).toEqual(FILES);
});

test('a damaged one is passed over, and said to be', () => {
  for (const step of [9, 10, 11]) writeCheckpoint(folder, step, FILES);
  writeFileSync(join(folder, 'step-11', 'state.json'), '{"iterations": 4}\n');
  rmSync(join(folder, 'step-10', 'adapter.safetensors'));
  const { checkpoint, damaged } = readNewestCheckpoint(folder);
  expect(checkpoint?.step).toBe(9);
  expect(damaged).toEqual([
    expect.stringContaining('state.json is not what was written'),
    expect.stringContaining('adapter.safetensors is missing'),
  ]);
  // The damaged one gives way to a new one.
  writeCheckpoint(folder, 11, FILES);
  expect(readNewestCheckpoint(folder).checkpoint?.step).toBe(11);
});

test('a folder under another name, links and foreign formats are refused', () => {
  writeCheckpoint(folder, 3, FILES);
  cpSync(join(folder, 'step-3'), join(folder, 'step-4'), { recursive: true });
  const secret = join(folder, 'secret.json');
  writeCheckpoint(folder, 5, FILES);
  writeFileSync(secret, FILES['state.json']);
  rmSync(join(folder, 'step-5', 'state.json'));
  symlinkSync(secret, join(folder, 'step-5', 'state.json'));
  mkdirSync(join(folder, 'step-6'));
  writeFileSync(join(folder, 'step-6', 'manifest.json'), '{"format":"2","step":6,"files":{}}');
  mkdirSync(join(folder, 'step-7'));
  writeFileSync(join(folder, 'step-7', 'manifest.json'), 'null');
  const { checkpoint, damaged } = readNewestCheckpoint(folder);
  expect(checkpoint?.step).toBe(3);
  expect(damaged.map((text) => text.split('cannot be used: ')[1])).toEqual([
    'manifest.json is not a manifest',
    expect.stringContaining('its format is "2"'),
    'state.json is not a file',
    'it is the one after 3 iterations',
  ]);
});

test('a disk that fills on the way leaves the last checkpoint as it was', () => {
  writeCheckpoint(folder, 1, FILES);
  let room = 0;
  const fillingDisk = (descriptor: number, bytes: Uint8Array, offset: number): number => {
    if (room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    const part = bytes.subarray(offset, offset + room);
    room -= part.length;
    return writeToDescriptor(descriptor, part, 0);
  };
  let total = 0;
  for (;;) {
    room = total;
    try {
      writeCheckpoint(folder, 2, FILES, fillingDisk);
      break;
    } catch (error) {
      expect((error as Error).message).toContain('no space is left');
      expect(readdirSync(folder)).toEqual(['step-1']);
      expect(readNewestCheckpoint(folder).checkpoint?.files).toEqual(FILES);
    }
    total += 11;
  }
  expect(total).toBeGreaterThan(FILES['adapter.safetensors'].length);
  expect(readNewestCheckpoint(folder)).toMatchObject({ checkpoint: { step: 2 }, damaged: [] });
});

test('the newest ones and the best one are kept, half-written ones never', () => {
  for (const step of [2, 9, 10, 100]) writeCheckpoint(folder, step, FILES);
  mkdirSync(join(folder, 'step-101.tmp'));
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  pruneCheckpoints(folder, 2, [2]);
  expect(checkpointSteps(folder)).toEqual([2, 10, 100]);
  expect(existsSync(join(folder, 'step-101.tmp'))).toBe(false);
  expect(existsSync(join(folder, 'notes.txt'))).toBe(true);
});

test('no folder holds no checkpoint', () => {
  expect(readNewestCheckpoint(join(folder, 'none'))).toEqual({
    checkpoint: undefined,
    damaged: [],
  });
});
