import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HubError, HubUnreachable } from './hub-error';
import type { HubOptions } from './options';
import { openHubRepository } from './repository';
import { COMMIT, NAME, refuse, startHubServer, type HubServer } from './testing/hub-server';

let base: string;
let hub: HubServer;
let notes: string[];
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  hub = await startHubServer({ 'a.json': '{}', 'data/b.parquet': 'rows', 'c.safetensors': 'w' });
  notes = [];
});
afterEach(async () => {
  await hub.close();
  rmSync(base, { recursive: true });
});

function open(changes: Partial<HubOptions> = {}, offline = false) {
  const settings = {
    ...{ endpoint: hub.url, cacheFolder: base, offline },
    ...{ token: undefined, tokenSource: undefined },
  };
  const options = { repository: NAME, settings, onNote: (note: string) => notes.push(note) };
  return openHubRepository({ ...options, ...changes }, { tries: 1 });
}

const reference = () => join(base, 'models--owner--name', 'refs', 'main');

test('files come when they are asked for, once', async () => {
  const repository = await open();
  expect(repository).toMatchObject({
    commit: COMMIT,
    cacheFolder: join(base, 'models--owner--name'),
    folder: join(base, 'models--owner--name', 'snapshots', COMMIT),
  });
  expect(hub.fetched()).toEqual([]);
  const place = await repository.find('data/b.parquet');
  expect(place).toBe(join(repository.folder, 'data', 'b.parquet'));
  expect(readFileSync(place ?? '', 'utf8')).toBe('rows');
  await repository.find('data/b.parquet');
  expect(hub.fetched()).toEqual(['data/b.parquet']);
});

test('the list has sizes and hashes, and is asked for once', async () => {
  const repository = await open();
  const files = await repository.list();
  expect([...files.keys()]).toEqual(['a.json', 'data/b.parquet', 'c.safetensors']);
  expect(files.get('c.safetensors')).toEqual({
    path: 'c.safetensors',
    bytes: 1,
    etag: '50e721e49c013f00c62cf59f2163542a9d8df02464efeb615d31051b0fddc326',
  });
  await repository.find('a.json');
  expect(hub.requests.filter(({ path }) => path.includes('/tree/'))).toHaveLength(1);
});

test('a list that failed is asked for again', async () => {
  const repository = await open();
  hub.intercept = (_, response) => refuse(response, 503);
  await expect(repository.find('a.json')).rejects.toThrow(HubUnreachable);
  hub.intercept = () => false;
  expect(await repository.find('a.json')).toBeDefined();
});

test('that a commit lacks a file is kept as Python keeps it, and costs no request again', async () => {
  const repository = await open({ revision: COMMIT });
  expect(await repository.find('x/none.json')).toBeUndefined();
  expect(existsSync(join(repository.cacheFolder, '.no_exist', COMMIT, 'x', 'none.json'))).toBe(
    true,
  );
  const { length } = hub.requests;
  expect(await (await open({ revision: COMMIT })).find('x/none.json')).toBeUndefined();
  expect(hub.requests).toHaveLength(length);
});

test.each(['../a.json', '/etc/passwd', 'a//b', 'C:/x', ''])('refuses the path %j', async (path) => {
  const repository = await open({ revision: COMMIT });
  await expect(repository.find(path)).rejects.toThrow(
    `${JSON.stringify(path)} is no path inside hf:owner/name@${COMMIT}`,
  );
});

test('a file that is too large is refused, by the option or by what the call says', async () => {
  const repository = await open({ maximumBytes: () => 3 });
  await expect(repository.find('data/b.parquet')).rejects.toThrow(
    'data/b.parquet of hf:owner/name has 4 bytes, and at most 3 are fetched',
  );
  expect(await repository.find('data/b.parquet', 4)).toBeDefined();
  await expect(repository.find('a.json', 1)).rejects.toThrow(HubError);
});

test('a revision is known without the network once it is said to be whole', async () => {
  const repository = await open();
  await repository.find('a.json');
  expect(existsSync(reference())).toBe(false);
  await expect(open({}, true)).rejects.toThrow('HF_HUB_OFFLINE forbids to fetch it');
  repository.remember();
  expect(readFileSync(reference(), 'utf8')).toBe(COMMIT);
  const { length } = hub.requests;
  const offline = await open({}, true);
  expect(await offline.find('a.json')).toBe(join(repository.folder, 'a.json'));
  expect(await offline.find('c.safetensors')).toBeUndefined();
  await expect(offline.list()).rejects.toThrow('cannot be listed: HF_HUB_OFFLINE forbids it');
  expect(hub.requests).toHaveLength(length);
});

test('a hub that is out of reach costs a note, and what the cache lacks an error', async () => {
  const repository = await open();
  await repository.find('a.json');
  repository.remember();
  hub.intercept = (_, response) => refuse(response, 503);
  const cached = await open();
  expect(notes).toEqual([
    `hf:owner/name cannot be fetched: ${hub.url} answers with status 503; try again later. The cache has it as of commit ${COMMIT}.`,
  ]);
  expect(await cached.find('a.json')).toBeDefined();
  await expect(cached.find('c.safetensors')).rejects.toThrow(HubUnreachable);
  writeFileSync(reference(), 'no commit');
  await expect(open()).rejects.toThrow(HubUnreachable);
});

test('a branch that moved is followed by the next that opens it, and not by who has it open', async () => {
  const repository = await open();
  hub.revisions.set('main', 'b'.repeat(40));
  expect(repository.commit).toBe(COMMIT);
  expect((await open()).commit).toBe('b'.repeat(40));
});

test('names may hold what addresses cannot', async () => {
  const path = 'data/ä b#1%?.json';
  hub.files.set(path, Buffer.from('{}'));
  const place = await (await open()).find(path);
  expect(readFileSync(place ?? '', 'utf8')).toBe('{}');
});

test('of a dataset', async () => {
  const dataset = await open({ type: 'dataset' });
  expect(await dataset.find('data/b.parquet')).toBe(
    join(base, 'datasets--owner--name', 'snapshots', COMMIT, 'data', 'b.parquet'),
  );
});
