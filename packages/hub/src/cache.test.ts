import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openHubCache } from './hub-cache';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function cacheWithBlob(symlink?: typeof symlinkSync) {
  const cache = openHubCache(base, 'owner/name', symlink);
  mkdirSync(join(cache.folder, 'blobs'), { recursive: true });
  writeFileSync(cache.blob('abc'), 'content');
  return cache;
}

test('the names of folders', () => {
  const cache = openHubCache(base, 'owner/name-1.5');
  expect(cache.folder).toBe(join(base, 'models--owner--name-1.5'));
  expect(cache.blob('abc')).toBe(join(cache.folder, 'blobs', 'abc'));
  expect(cache.snapshot(COMMIT)).toBe(join(cache.folder, 'snapshots', COMMIT));
});

test.each(['main', 'refs/pr/1'])('the commit of %s is kept without a newline', (revision) => {
  const cache = openHubCache(base, 'o/n');
  expect(cache.commitOf(revision)).toBeUndefined();
  cache.rememberCommit(revision, COMMIT);
  expect(readFileSync(join(cache.folder, 'refs', revision), 'utf8')).toBe(COMMIT);
  expect(cache.commitOf(revision)).toBe(COMMIT);
});

test('a commit is its own and is not kept; what is no commit is not believed', () => {
  const cache = openHubCache(base, 'o/n');
  cache.rememberCommit(COMMIT, COMMIT);
  expect(lstatSync(cache.folder, { throwIfNoEntry: false })).toBeUndefined();
  expect(cache.commitOf(COMMIT)).toBe(COMMIT);
  mkdirSync(join(cache.folder, 'refs'), { recursive: true });
  writeFileSync(join(cache.folder, 'refs', 'main'), '../../..');
  expect(cache.commitOf('main')).toBeUndefined();
});

test('a branch that cannot be kept costs nothing', () => {
  const cache = openHubCache(base, 'o/n');
  cache.rememberCommit('a', COMMIT);
  cache.rememberCommit('a/b', COMMIT);
  expect(cache.commitOf('a/b')).toBeUndefined();
  expect(cache.commitOf('a')).toBe(COMMIT);
});

test('files are relative links into blobs', () => {
  const cache = cacheWithBlob();
  cache.link(COMMIT, 'model_index.json', 'abc');
  cache.link(COMMIT, 'unet/config.json', 'abc');
  const link = (path: string) => readlinkSync(join(cache.snapshot(COMMIT), path));
  expect(link('model_index.json')).toBe('../../blobs/abc');
  expect(link('unet/config.json')).toBe('../../../blobs/abc');
  cache.link(COMMIT, 'unet/config.json', 'other');
  expect(link('unet/config.json')).toBe('../../../blobs/abc');
});

test('a link that leads nowhere is replaced', () => {
  const cache = cacheWithBlob();
  mkdirSync(cache.snapshot(COMMIT), { recursive: true });
  symlinkSync('../../blobs/gone', join(cache.snapshot(COMMIT), 'a.json'));
  cache.link(COMMIT, 'a.json', 'abc');
  expect(readFileSync(join(cache.snapshot(COMMIT), 'a.json'), 'utf8')).toBe('content');
});

test('where links are not permitted, files are copied', () => {
  const cache = cacheWithBlob(() => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'symlink' });
  });
  cache.link(COMMIT, 'unet/config.json', 'abc');
  const path = join(cache.snapshot(COMMIT), 'unet', 'config.json');
  expect(lstatSync(path).isSymbolicLink()).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('content');
});
