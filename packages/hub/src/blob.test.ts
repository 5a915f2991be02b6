import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { downloadBlob, partialFile, type BlobOptions } from './blob';
import { connectToHub } from './connection';
import { lockDownload, type DownloadLock } from './download-lock';
import { HubError } from './hub-error';
import { checkHubReference } from './hub-name';
import { COMMIT, etagOf, NAME, startHubServer, type HubServer } from './testing/hub-server';

jest.mock('./download-lock');
const locks = jest.mocked(lockDownload);
const free: DownloadLock = { lost: new AbortController().signal, release: async () => undefined };

const PATH = 'unet/x.json';
const CONTENT = Buffer.from('0123456789');

let base: string;
let hub: HubServer;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  hub = await startHubServer({ [PATH]: CONTENT });
  locks.mockReset().mockResolvedValue(free);
});
afterEach(async () => {
  await hub.close();
  rmSync(base, { recursive: true });
});

const target = () => join(base, 'blobs', 'abc');

/** A part that an earlier process has left. */
function left(bytes: string | Buffer): void {
  mkdirSync(dirname(target()), { recursive: true });
  writeFileSync(partialFile(target()), bytes);
}

function download(content = CONTENT, changes: Partial<BlobOptions> = {}): Promise<void> {
  hub.files.set(PATH, content);
  const settings = { token: undefined, tokenSource: undefined, offline: false };
  const connection = connectToHub(
    checkHubReference({ repository: NAME }),
    { ...settings, endpoint: hub.url, cacheFolder: base },
    { sleep: async () => undefined },
  );
  return downloadBlob(connection, {
    url: `${hub.url}/${NAME}/resolve/${COMMIT}/${PATH}`,
    file: { path: PATH, bytes: content.length, etag: etagOf(PATH, content) },
    target: target(),
    lock: join(base, 'lock'),
    ...changes,
  });
}

const ranges = () => hub.requests.map(({ headers }) => headers.range);

test('a file without content is made without a request', async () => {
  await download(Buffer.alloc(0));
  expect(readFileSync(target())).toHaveLength(0);
  expect(hub.requests).toEqual([]);
});

test('a part is gone on with', async () => {
  left('01234');
  await download();
  expect(readFileSync(target())).toEqual(CONTENT);
  expect(ranges()).toEqual(['bytes=5-']);
  expect(readdirSync(dirname(target()))).toEqual(['abc']);
});

test('a part that has all bytes costs no request', async () => {
  left(CONTENT);
  await download();
  expect(hub.requests).toEqual([]);
  expect(existsSync(partialFile(target()))).toBe(false);
});

test('a part that is longer than the file is begun anew', async () => {
  left('x'.repeat(20));
  await download();
  expect(ranges()).toEqual([undefined]);
  // Of a compressed answer no part could be asked for.
  expect(hub.requests[0]?.headers['accept-encoding']).toBe('identity');
  expect(readFileSync(target())).toEqual(CONTENT);
});

test.each(['0x234', 'x123456789'])('with the damaged part %s it fails once', async (part) => {
  left(part);
  await expect(download()).rejects.toThrow('arrived damaged: its hash is not the one');
  expect(existsSync(target())).toBe(false);
  await download();
  expect(readFileSync(target())).toEqual(CONTENT);
});

test("Python's part is left alone", async () => {
  mkdirSync(dirname(target()), { recursive: true });
  writeFileSync(`${target()}.incomplete`, '012');
  await download();
  expect(readdirSync(dirname(target())).sort()).toEqual(['abc', 'abc.incomplete']);
});

test('a large blob is taken by its size, a small one by its hash', async () => {
  mkdirSync(dirname(target()), { recursive: true });
  writeFileSync(target(), '');
  const large = Buffer.alloc(10_000_001);
  truncateSync(target(), large.length);
  const bytes: number[] = [];
  await download(large, { onBytes: (size) => bytes.push(size) });
  expect(hub.requests).toEqual([]);
  expect(bytes).toEqual([large.length]);
  writeFileSync(target(), 'x'.repeat(10));
  await download();
  expect(readFileSync(target())).toEqual(CONTENT);
});

test('space is needed for what is missing alone', async () => {
  left('01234');
  const asked = download(CONTENT, { freeBytes: async () => 4 });
  await expect(asked).rejects.toThrow('needs 0 MB more on the disk');
  await download(CONTENT, { freeBytes: async () => 5 });
});

test('a folder that cannot be made is the reason', async () => {
  writeFileSync(dirname(target()), '');
  await expect(download()).rejects.toThrow(HubError);
  await expect(download()).rejects.toThrow(/^Cannot write '.*abc': E/);
});

describe('while somebody else has the lock', () => {
  test('it is waited for, and what they fetched is taken', async () => {
    locks.mockResolvedValueOnce(undefined);
    locks.mockImplementationOnce(async () => {
      writeFileSync(target(), CONTENT);
      return undefined;
    });
    const onWait = jest.fn();
    await download(CONTENT, { onWait });
    expect(hub.requests).toEqual([]);
    expect(onWait).toHaveBeenCalledTimes(1);
  });

  test('and is done with it just before it is had, nothing is fetched', async () => {
    const release = jest.fn(async () => undefined);
    locks.mockImplementationOnce(async () => {
      writeFileSync(target(), CONTENT);
      return { ...free, release };
    });
    await download();
    expect(hub.requests).toEqual([]);
    expect(release).toHaveBeenCalledTimes(1);
  });

  test('a signal ends the waiting', async () => {
    locks.mockResolvedValue(undefined);
    const signal = AbortSignal.timeout(20);
    await expect(download(CONTENT, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

test('one that lost its lock leaves the file to whoever has it', async () => {
  const lost = new AbortController();
  locks.mockResolvedValueOnce({ ...free, lost: lost.signal });
  locks.mockImplementationOnce(async () => {
    writeFileSync(target(), CONTENT);
    return undefined;
  });
  hub.intercept = () => {
    lost.abort(new Error('compromised'));
    return false;
  };
  await download();
  expect(locks).toHaveBeenCalledTimes(2);
  expect(readFileSync(partialFile(target()))).toHaveLength(0);
});

test('what somebody else put into its place meanwhile is taken', async () => {
  hub.intercept = () => {
    writeFileSync(target(), CONTENT);
    rmSync(partialFile(target()));
    return false;
  };
  await download();
  expect(readFileSync(target())).toEqual(CONTENT);
});

test('the lock is released after a failure too', async () => {
  const release = jest.fn(async () => undefined);
  locks.mockResolvedValue({ ...free, release });
  hub.intercept = (_, response) => response.writeHead(403).end() === response;
  await expect(download()).rejects.toThrow('may not be read without a token');
  expect(release).toHaveBeenCalledTimes(1);
});
