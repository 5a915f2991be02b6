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

import { hubCacheOf, openHubCache } from './cache';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const nameOf = (repository: string) => ({ type: 'model' as const, repository });

function cacheWithBlob(symlink?: typeof symlinkSync) {
  const cache = openHubCache(base, nameOf('owner/name'), symlink);
  mkdirSync(join(cache.folder, 'blobs'), { recursive: true });
  writeFileSync(cache.blob('abc'), 'content');
  return cache;
}

test('the names of folders', () => {
  const cache = openHubCache(base, nameOf('owner/name-1.5'));
  expect(cache.folder).toBe(join(base, 'models--owner--name-1.5'));
  expect(cache.blob('abc')).toBe(join(cache.folder, 'blobs', 'abc'));
  expect(cache.snapshot(COMMIT)).toBe(join(cache.folder, 'snapshots', COMMIT));
});

test.each(['main', 'refs/pr/1'])('the commit of %s is kept without a newline', (revision) => {
  const cache = openHubCache(base, nameOf('o/n'));
  expect(cache.commitOf(revision)).toBeUndefined();
  cache.rememberCommit(revision, COMMIT);
  expect(readFileSync(join(cache.folder, 'refs', revision), 'utf8')).toBe(COMMIT);
  expect(cache.commitOf(revision)).toBe(COMMIT);
});

test('a commit is its own and is not kept; what is no commit is not believed', () => {
  const cache = openHubCache(base, nameOf('o/n'));
  cache.rememberCommit(COMMIT, COMMIT);
  expect(lstatSync(cache.folder, { throwIfNoEntry: false })).toBeUndefined();
  expect(cache.commitOf(COMMIT)).toBe(COMMIT);
  mkdirSync(join(cache.folder, 'refs'), { recursive: true });
  writeFileSync(join(cache.folder, 'refs', 'main'), '../../..');
  expect(cache.commitOf('main')).toBeUndefined();
});

test('a branch that cannot be kept costs nothing', () => {
  const cache = openHubCache(base, nameOf('o/n'));
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

test('a dataset has a folder of its own', () => {
  const cache = openHubCache(base, { type: 'dataset', repository: 'owner/name' });
  expect(cache.folder).toBe(join(base, 'datasets--owner--name'));
});

describe('whose snapshot a path leads into', () => {
  test.each([
    ['models--owner--name', 'owner/name', 'model'],
    ['datasets--owner--name-1.5', 'owner/name-1.5', 'dataset'],
    ['models--gpt2', 'gpt2', 'model'],
  ])('%s', (folderName, repository, type) => {
    const folder = join(base, folderName);
    const blobs = join(folder, 'blobs');
    const snapshot = join(folder, 'snapshots', COMMIT);
    expect(hubCacheOf(snapshot)).toBeUndefined();
    mkdirSync(blobs, { recursive: true });
    const cached = { folder, blobs, repository, type, commit: COMMIT };
    for (const path of [snapshot, `${snapshot}/`, join(snapshot, 'unet', 'config.json')]) {
      expect(hubCacheOf(path)).toEqual(cached);
    }
  });

  test('of other folders there is none', () => {
    mkdirSync(join(base, 'models--o--n', 'blobs'), { recursive: true });
    for (const path of ['', 'blobs/abc', 'snapshots', 'snapshots/main', `snapshots/${COMMIT}0`]) {
      expect(hubCacheOf(join(base, 'models--o--n', path))).toBeUndefined();
    }
    expect(hubCacheOf(join(base, 'snapshots', COMMIT))).toBeUndefined();
    expect(hubCacheOf('shapes')).toBeUndefined();
  });
});
