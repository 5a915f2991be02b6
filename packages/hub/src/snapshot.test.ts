import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { diffusersFiles } from './diffusers-files';
import { HubError } from './hub-error';
import { parseHubName } from './hub-name';
import type { HubProgress, HubStandIns } from './options';
import type { HubSettings } from './settings';
import { hubSnapshot, type SnapshotOptions } from './snapshot';
import {
  COMMIT,
  etagOf,
  modelFilesForTests,
  NAME,
  refuse,
  sendContent,
  startHubServer,
  type HubServer,
} from './testing/hub-server';
import type { LoopbackRequest } from './testing/loopback-server';

const UNET = 'unet/diffusion_pytorch_model.safetensors';
/** In the order in which they are fetched. */
const WANTED = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'text_encoder/config.json',
  'tokenizer/vocab.json',
  'tokenizer/merges.txt',
  'tokenizer/special_tokens_map.json',
  'unet/config.json',
  'vae/config.json',
  'text_encoder/model.safetensors',
  UNET,
  'vae/diffusion_pytorch_model.safetensors',
];

let base: string;
let hub: HubServer;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  hub = await startHubServer(modelFilesForTests());
});
afterEach(async () => {
  await hub.close();
  rmSync(base, { recursive: true });
});

function settings(changes: Partial<HubSettings> = {}): HubSettings {
  const none = { token: undefined, tokenSource: undefined, offline: false };
  return { endpoint: hub.url, cacheFolder: base, ...none, ...changes };
}

const withToken = () => settings({ token: 'hf_secret', tokenSource: 'HF_TOKEN' });

let waits: number[];
let notes: string[];
let progress: HubProgress[];
beforeEach(() => {
  waits = [];
  notes = [];
  progress = [];
});

function snapshot(
  model = 'hf:owner/name',
  given = settings(),
  standIns: HubStandIns = {},
  options: Partial<SnapshotOptions> = {},
) {
  const sleep = async (milliseconds: number) => waits.push(milliseconds);
  return hubSnapshot(
    {
      ...parseHubName(model),
      settings: given,
      files: diffusersFiles,
      maximumBytes: (path) => (path.endsWith('.safetensors') ? 64 * 1024 ** 3 : 10 * 1024 ** 2),
      onNote: (note) => notes.push(note),
      onProgress: (told) => progress.push(told),
      ...options,
    },
    { sleep, random: () => 0.5, ...standIns },
  );
}

const repository = () => join(base, 'models--owner--name');
const blob = (path: string) =>
  join(repository(), 'blobs', etagOf(path, hub.files.get(path) ?? Buffer.alloc(0)));
const partials = () =>
  readdirSync(join(repository(), 'blobs')).filter((name) => name.endsWith('.incomplete'));

/** Answers requests for one file, of the hub or the CDN, with each of these in turn, and then as usual. */
function interceptFile(
  path: string,
  ...answers: ((request: LoopbackRequest, response: ServerResponse, content: Buffer) => unknown)[]
): void {
  const isCdn = path.endsWith('.safetensors');
  hub.intercept = (request, response) => {
    if (!(isCdn ? request.path === `/${path}` : request.path.endsWith(`${COMMIT}/${path}`))) {
      return false;
    }
    const answer = answers.shift();
    answer?.(request, response, hub.files.get(path) ?? Buffer.alloc(0));
    return answer !== undefined;
  };
}

/** Sends so many of the bytes that were asked for, and ends the connection once they are on the disk. */
function cutAfter(bytes: number) {
  return ({ headers }: LoopbackRequest, response: ServerResponse, content: Buffer): void => {
    const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'Content-Length': String(content.length - start),
      ...(start > 0 && { 'Content-Range': `bytes ${String(start)}-` }),
    });
    response.write(content.subarray(start, start + bytes));
    const timer = setInterval(() => {
      const [partial = ''] = partials();
      if (statSync(join(repository(), 'blobs', partial)).size < start + bytes) return;
      clearInterval(timer);
      response.destroy();
    }, 5);
  };
}

test('fetches what a Stable Diffusion needs, into the layout that Python reads', async () => {
  const { folder, cacheFolder: within } = await snapshot();
  expect(hub.fetched()).toEqual(WANTED);
  expect(within).toBe(repository());
  expect(folder).toBe(join(repository(), 'snapshots', COMMIT));
  for (const path of WANTED) {
    const content = hub.files.get(path) ?? Buffer.alloc(0);
    const up = path.includes('/') ? '../../..' : '../..';
    expect(readlinkSync(join(folder, path))).toBe(`${up}/blobs/${etagOf(path, content)}`);
    expect(readFileSync(join(folder, path)).equals(content)).toBe(true);
  }
  expect(readFileSync(join(repository(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
  expect(readdirSync(repository()).sort()).toEqual(['blobs', 'refs', 'snapshots']);
  expect(readdirSync(join(repository(), 'blobs'))).toHaveLength(WANTED.length);
});

test('what is whole costs one request for a branch and none for a commit', async () => {
  await snapshot();
  const before = hub.requests.length;
  await snapshot();
  expect(hub.requests.slice(before).map(({ path }) => path.split('?')[0])).toEqual([
    `/api/models/${NAME}/revision/main`,
  ]);
  await snapshot(`hf:owner/name@${COMMIT}`);
  expect(hub.requests).toHaveLength(before + 1);
});

test('takes what Python has stored, and fetches the rest', async () => {
  const folder = join(repository(), 'snapshots', COMMIT);
  for (const path of [UNET, 'model_index.json']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    mkdirSync(dirname(blob(path)), { recursive: true });
    writeFileSync(blob(path), hub.files.get(path) ?? '');
    symlinkSync(join('../'.repeat(path.split('/').length + 1), 'blobs', etagOf(path, hub.files.get(path) ?? Buffer.alloc(0))), join(folder, path));
  }
  await snapshot();
  expect(hub.fetched()).toEqual(WANTED.filter((path) => ![UNET, 'model_index.json'].includes(path)));
}); // prettier-ignore

test('files that two commits share are fetched once', async () => {
  await snapshot();
  const commit = 'a'.repeat(40);
  hub.revisions.set('refs/pr/2', commit);
  hub.files.set('unet/config.json', Buffer.from('{"unet": 2}'));
  const before = hub.fetched().length;
  const { folder } = await snapshot('hf:owner/name@refs/pr/2');
  expect(hub.fetched().slice(before)).toEqual(['unet/config.json']);
  expect(readFileSync(join(folder, 'unet/config.json'), 'utf8')).toBe('{"unet": 2}');
  expect(readFileSync(join(repository(), 'refs/refs/pr/2'), 'utf8')).toBe(commit);
});

test('goes on after a cut connection', async () => {
  interceptFile(UNET, cutAfter(500_000), cutAfter(100_000));
  await snapshot();
  const requests = hub.cdnRequests.filter(({ path }) => path === `/${UNET}`);
  expect(requests.map(({ headers }) => headers.range)).toEqual([
    undefined,
    'bytes=500000-',
    'bytes=600000-',
  ]);
  expect(waits).toEqual([1000, 2000]);
  expect(partials()).toEqual([]);
});

test('a download that was given up is gone on with by the next call', async () => {
  interceptFile(UNET, ...Array.from({ length: 5 }, () => cutAfter(100_000)));
  await expect(snapshot()).rejects.toThrow('what has come is kept, run again to go on');
  expect(partials()).toHaveLength(1);
  expect(existsSync(join(repository(), 'refs', 'main'))).toBe(false);
  const before = hub.cdnRequests.length;
  await snapshot();
  expect(hub.cdnRequests[before]?.headers.range).toBe('bytes=500000-');
  expect(partials()).toEqual([]);
});

test('begins anew where a server does not go on in the middle, or with another part', async () => {
  interceptFile(
    UNET,
    cutAfter(400_000),
    (_, response) => refuse(response, 416),
    cutAfter(400_000),
    (_, response, content) => {
      response.writeHead(206, { 'Content-Range': `bytes 5-9/${String(content.length)}` });
      response.end(content.subarray(5, 10));
    },
    cutAfter(400_000),
    (_, response, content) => {
      response.writeHead(200);
      response.end(content);
    },
  );
  const { folder } = await snapshot('hf:owner/name', settings(), { tries: 10 });
  expect(readFileSync(join(folder, UNET)).equals(hub.files.get(UNET)!)).toBe(true);
});

test.each([UNET, 'unet/config.json'])('a damaged %s is removed, and fetched anew', async (path) => {
  interceptFile(path, (request, response, content) => {
    sendContent(request, response, Buffer.alloc(content.length, 'x'));
  });
  await expect(snapshot()).rejects.toThrow(`${path} of hf:owner/name arrived damaged`);
  expect(partials()).toEqual([]);
  expect(existsSync(blob(path))).toBe(false);
  const { folder } = await snapshot();
  expect(readFileSync(join(folder, path)).equals(hub.files.get(path)!)).toBe(true);
});

test('a file that is longer than it is listed as is refused', async () => {
  interceptFile(UNET, (_, response, content) => {
    response.writeHead(200);
    response.end(Buffer.concat([content, Buffer.from('x')]));
  });
  await expect(snapshot()).rejects.toThrow('is longer than');
  await snapshot();
});

test('a damaged configuration in the cache is mended', async () => {
  await snapshot();
  writeFileSync(blob('model_index.json'), 'x'.repeat(hub.files.get('model_index.json')!.length));
  truncateSync(blob('unet/config.json'), 3);
  const { folder } = await snapshot(`hf:owner/name@${COMMIT}`);
  for (const path of ['model_index.json', 'unet/config.json']) {
    expect(readFileSync(join(folder, path)).equals(hub.files.get(path)!)).toBe(true);
  }
});

describe('tries again', () => {
  test('after errors of the server, as long as it says', async () => {
    const answers: [number, Record<string, string>][] = [
      [503, {}],
      [429, { 'Retry-After': '9' }],
      [500, {}],
    ];
    hub.intercept = (_, response) => {
      const answer = answers.shift();
      return answer !== undefined && refuse(response, ...answer);
    };
    await snapshot();
    expect(waits).toEqual([1000, 9000, 4000]);
  });

  test('and gives up with a sentence', async () => {
    hub.intercept = (_, response) => refuse(response, 502);
    await expect(snapshot()).rejects.toThrow(
      `hf:owner/name cannot be fetched: ${hub.url} answers with status 502; try again later`,
    );
    hub.intercept = (_, response) => refuse(response, 429, { 'Retry-After': '4000' });
    await expect(snapshot()).rejects.toThrow('has had too many requests');
    expect(waits).toHaveLength(4);
  });

  test('when nothing comes', async () => {
    interceptFile(UNET, () => undefined, (_, response, content) => {
      response.writeHead(200, { 'Content-Length': String(content.length) });
      response.write(content.subarray(0, 100));
    }); // prettier-ignore
    await snapshot('hf:owner/name', settings(), { stallMilliseconds: 200 });
    expect(waits).toEqual([1000, 2000]);
    hub.intercept = () => true;
    rmSync(repository(), { recursive: true });
    await expect(snapshot('hf:owner/name', settings(), { stallMilliseconds: 20 })).rejects.toThrow(
      `hf:owner/name cannot be fetched: nothing came from ${hub.url} for 20 ms`,
    );
  });
});

describe('the token', () => {
  test('goes to the hub and not to where it redirects', async () => {
    await snapshot('hf:owner/name', withToken());
    expect(hub.requests.map(({ headers }) => headers.authorization)).toEqual(
      hub.requests.map(() => 'Bearer hf_secret'),
    );
    expect(hub.cdnRequests).toHaveLength(3);
    for (const { headers } of hub.cdnRequests) expect(headers.authorization).toBeUndefined();
  });

  test('goes to no other host that a listing is said to go on at', async () => {
    const other = await startHubServer({});
    hub.intercept = ({ path }, response) => {
      if (!path.includes('/tree/')) return false;
      response.writeHead(200, {
        'Content-Type': 'application/json',
        Link: `<${other.url}/next>; rel="next"`,
      });
      response.end('[]');
      return true;
    };
    await expect(snapshot('hf:owner/name', withToken())).rejects.toThrow(HubError);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    await other.close();
  });

  test('is in no message', async () => {
    hub.intercept = (_, response) =>
      refuse(response, 401, { 'X-Error-Message': 'Invalid credentials in Authorization header' });
    const refused = snapshot('hf:owner/name', withToken());
    await expect(refused).rejects.toThrow(`${hub.url} does not take the token from HF_TOKEN`);
    await expect(refused).rejects.not.toThrow('hf_secret');
  });
});

describe('refusals', () => {
  const gated = { 'X-Error-Code': 'GatedRepo' };
  test.each([
    [401, gated, false, /is gated: accept its licence at .*\/owner\/name and set HF_TOKEN/],
    [403, gated, true, /the account of the token from HF_TOKEN has no access: accept its licence/],
    [404, { 'X-Error-Code': 'RepoNotFound' }, false, /has no model owner\/name, or it is private/],
    [401, {}, false, /has no model owner\/name, or it is private and HF_TOKEN is not set/],
    [404, {}, true, /has no model owner\/name, or the token from HF_TOKEN may not read it/],
    [403, {}, false, /may not be read without a token; set HF_TOKEN/],
    [403, {}, true, /may not be read with the token from HF_TOKEN/],
    [418, {}, false, /answers with status 418/],
  ])('%i %j', async (status, headers, hasToken, message) => {
    hub.intercept = (_, response) => refuse(response, status, headers);
    const refused = snapshot('hf:owner/name', hasToken ? withToken() : settings());
    await expect(refused).rejects.toThrow(HubError);
    await expect(refused).rejects.toThrow(message);
    expect(waits).toEqual([]);
  });

  test('a revision that is not there', async () => {
    await expect(snapshot('hf:owner/name@v9')).rejects.toThrow(
      `hf:owner/name@v9: owner/name has no revision 'v9'; ${hub.url}/owner/name/tree/main shows`,
    );
  });

  test('a file that may not be read although the list may', async () => {
    interceptFile('unet/config.json', (_, response) => refuse(response, 403, gated));
    await expect(snapshot()).rejects.toThrow('is gated');
    await snapshot();
  });

  test('a page of a network that wants a login', async () => {
    hub.intercept = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' });
      response.end('<html>');
      return true;
    };
    await expect(snapshot()).rejects.toThrow('does not answer as a hub does');
  });
});

describe('without the network', () => {
  let url: string;
  beforeEach(async () => {
    const gone = await startHubServer({});
    await gone.close();
    ({ url } = gone);
  });
  const nowhere = () => settings({ endpoint: url });
  const offline = () => settings({ endpoint: url, offline: true });

  test('a revision that is whole in the cache serves, with a note', async () => {
    const { folder } = await snapshot();
    expect(await snapshot('hf:owner/name', nowhere())).toMatchObject({ folder });
    expect(notes).toEqual([
      expect.stringMatching(
        /^hf:owner\/name cannot be fetched: .*ECONNREFUSED.*\. The cache has it as of commit 0123.*\.$/,
      ),
    ]);
    expect(waits).toEqual([1000]);
  });

  test('a newer commit that cannot be fetched whole leaves the older one', async () => {
    const { folder } = await snapshot();
    hub.revisions.set('main', 'b'.repeat(40));
    hub.files.set(UNET, Buffer.from('new weights'));
    hub.intercept = ({ path }, response) => path === `/${UNET}` && refuse(response, 503);
    expect(await snapshot()).toMatchObject({ folder });
    expect(readFileSync(join(repository(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    hub.intercept = () => false;
    expect((await snapshot()).folder).toMatch(/b{40}$/);
  });

  test('one that is not, does not', async () => {
    await expect(snapshot('hf:owner/name', nowhere())).rejects.toThrow('ECONNREFUSED');
  });

  test('HF_HUB_OFFLINE takes the cache without a request or a note', async () => {
    const { folder } = await snapshot();
    expect(await snapshot('hf:owner/name', offline())).toMatchObject({ folder });
    expect(notes).toEqual([]);
  });

  test('HF_HUB_OFFLINE says what is missing', async () => {
    await expect(snapshot('hf:owner/name', offline())).rejects.toThrow(
      `hf:owner/name is not whole in the cache, and HF_HUB_OFFLINE forbids to fetch it: '${repository()}' has no such revision`,
    );
    await snapshot();
    rmSync(blob(UNET));
    await expect(snapshot('hf:owner/name', offline())).rejects.toThrow(`has no ${UNET}`);
  });
});

describe('a proxy that the environment names', () => {
  const endpoint = 'http://hub.example';
  const files = ['unet/config.json'];
  const throughProxy = (address: string) => {
    const replaced = jest.replaceProperty(process, 'env', { ...process.env, HTTP_PROXY: address });
    return snapshot('hf:owner/name', settings({ endpoint }), { tries: 1 }, { files }).finally(() =>
      replaced.restore(),
    );
  };

  test('is asked', async () => {
    const { folder } = await throughProxy(hub.url);
    expect(readFileSync(join(folder, 'unet/config.json'), 'utf8')).toBe('{"unet": 1}');
  });

  test('is named where it does not answer, without what is secret', async () => {
    await hub.close();
    const refused = throughProxy(hub.url.replace('//', '//me:secret@'));
    await expect(refused).rejects.toThrow(
      `hf:owner/name cannot be fetched: no answer from ${endpoint} (through the proxy ${hub.url})`,
    );
    await expect(refused).rejects.not.toThrow('secret');
    hub = await startHubServer({});
  });

  test('is refused where it is none that can be used', async () => {
    const refused = throughProxy('socks5://127.0.0.1:9');
    await expect(refused).rejects.toThrow(HubError);
    await expect(refused).rejects.toThrow(
      'hf:owner/name cannot be fetched: the proxy for http://hub.example, socks5://127.0.0.1:9, cannot be used',
    );
  });
});

describe('the disk', () => {
  const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });

  test('that has too little space is not begun with', async () => {
    const freeBytes = async () => 1_000_000;
    await expect(snapshot('hf:owner/name', settings(), { freeBytes })).rejects.toThrow(
      `${UNET} of hf:owner/name needs 1 MB more on the disk of`,
    );
    await snapshot();
  });

  test('that runs full leaves what goes on once there is space', async () => {
    let written = 0;
    const full = snapshot('hf:owner/name', settings(), {
      async write(file, bytes, position) {
        written += bytes.length;
        if (written > 500_000) throw noSpace;
        await file.write(bytes, 0, bytes.length, position);
      },
    });
    await expect(full).rejects.toThrow(HubError);
    await expect(full).rejects.toThrow(
      /^Cannot write '.*': ENOSPC: no space left on device, write; free some space, or set HF_HUB_CACHE/,
    );
    await snapshot();
  });
});

describe('listings', () => {
  const entry = (path: unknown, changes = {}) => ({
    type: 'file', path, size: 1, oid: 'a'.repeat(40), ...changes,
  }); // prettier-ignore

  test.each([
    '../../.bashrc',
    'unet/../../x.json',
    '/etc/passwd',
    'C:/x.json',
    'c:x.json',
    'unet\\..\\x.json',
    'unet//x.json',
    './x.json',
    'unet/x.json\0',
    'unet/\u001b[2Jx.json',
    '',
    7,
  ])('with the name %j are refused', async (path) => {
    hub.extraEntries.push(entry(path));
    const refused = snapshot();
    await expect(refused).rejects.toThrow('could lead out of its folder; nothing of it was fetched');
    expect(hub.fetched()).toEqual([]);
    expect(existsSync(repository())).toBe(false);
  }); // prettier-ignore

  test.each([
    { oid: '../../../x' },
    { oid: undefined },
    { lfs: { oid: 'a'.repeat(40), size: 1 } },
    { size: -1 },
    { size: '1' },
  ])('with %j are no listings', async (changes) => {
    hub.extraEntries.push(entry('unet/x.json', changes));
    await expect(snapshot()).rejects.toThrow('does not answer as a hub does');
  });

  test('that are huge or do not end are given up', async () => {
    const many = Array.from({ length: 30_000 }, (_, index) => `x/${String(index)}`);
    let page = 0;
    hub.intercept = ({ path }, response) => {
      if (!path.includes('/tree/')) return false;
      page++;
      response.writeHead(200, { Link: `<${hub.url}${path}>; rel="next"` });
      const names = endless ? [] : many.map((name) => entry(`${name}-${String(page)}`));
      response.end(JSON.stringify(names));
      return true;
    };
    let endless = true;
    await expect(snapshot()).rejects.toThrow('holds more than 100000 files');
    expect(page).toBe(100);
    endless = false;
    page = 0;
    await expect(snapshot()).rejects.toThrow('holds more than 100000 files');
    expect(page).toBe(4);
  });

  test('with files that are too large are refused before weights are fetched', async () => {
    const lfs = { oid: 'c'.repeat(64), size: 65 * 1024 ** 3 };
    hub.extraEntries.push(entry('vae/diffusion_pytorch_model.safetensors', { lfs }));
    await expect(snapshot()).rejects.toThrow('and at most 68719476736 are fetched');
    hub.extraEntries.splice(0);
    hub.extraEntries.push(entry('unet/config.json', { size: 11 * 1024 ** 2 }));
    await expect(snapshot()).rejects.toThrow('and at most 10485760 are fetched');
    expect(hub.cdnRequests).toEqual([]);
  });

  test('whose commit is none are no listings', async () => {
    hub.revisions.set('main', '../../x');
    await expect(snapshot()).rejects.toThrow('does not answer as a hub does');
  });
});

test('downloads at the same time fetch each file once', async () => {
  const folders = await Promise.all([snapshot(), snapshot(`hf:owner/name@${COMMIT}`), snapshot()]);
  expect(new Set(folders.map(({ folder }) => folder)).size).toBe(1);
  expect(hub.fetched().filter((path) => path === UNET)).toHaveLength(1);
  expect(partials()).toEqual([]);
});

test('shards are fetched as their index says', async () => {
  const stem = 'unet/diffusion_pytorch_model';
  hub.files.delete(UNET);
  hub.files.set(`${stem}-00001-of-00002.safetensors`, Buffer.from('one'));
  hub.files.set(`${stem}-00002-of-00002.safetensors`, Buffer.from('two'));
  hub.files.set(`${stem}-00003-of-00002.safetensors`, Buffer.from('not in the index'));
  const index = (...names: string[]) =>
    Buffer.from(JSON.stringify({ weight_map: Object.fromEntries(names.entries()) }));
  const [first, second] = [1, 2].map((n) => `diffusion_pytorch_model-0000${String(n)}-of-00002.safetensors`) as [string, string];
  hub.files.set(`${stem}.safetensors.index.json`, index(first, second, first));
  const { folder } = await snapshot();
  expect(readdirSync(join(folder, 'unet')).sort()).toEqual([first, second, 'config.json', 'diffusion_pytorch_model.safetensors.index.json'].sort());
  rmSync(repository(), { recursive: true });
  for (const name of ['../../x.safetensors', 'x.bin', '/x.safetensors']) {
    hub.files.set(`${stem}.safetensors.index.json`, index(first, name));
    await expect(snapshot()).rejects.toThrow('does not list files of weights beside it');
  }
}); // prettier-ignore

describe('progress', () => {
  test('is told until a file is done, and knows the whole once the weights come', async () => {
    await snapshot();
    expect(progress.filter(({ isDone }) => isDone).map(({ path }) => path)).toEqual(WANTED);
    const total = WANTED.reduce((sum, path) => sum + (hub.files.get(path)?.length ?? 0), 0);
    const size = hub.files.get(UNET)?.length;
    const ofUnet = progress.filter(({ path }) => path === UNET);
    expect(ofUnet[0]).toEqual({ path: UNET, bytes: 0, fileBytes: size, totalBytes: total, isDone: false }); // prettier-ignore
    expect(ofUnet.at(-1)).toMatchObject({ bytes: size, isDone: true });
    expect(progress[0]).toMatchObject({ path: 'model_index.json', totalBytes: undefined });
  });
});

describe('a signal', () => {
  test('that was aborted before lets nothing be asked', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(snapshot('hf:owner/name', settings(), {}, { signal })).rejects.toBe(reason);
    expect(hub.fetched()).toEqual([]);
  });

  test('ends a download, and what has come is kept', async () => {
    const controller = new AbortController();
    interceptFile(UNET, (_, response, content) => {
      response.writeHead(200, { 'Content-Length': String(content.length) });
      response.write(content.subarray(0, 500_000));
    });
    const onProgress = ({ path, bytes }: HubProgress) => {
      if (path === UNET && bytes === 500_000) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    const aborted = snapshot('hf:owner/name', settings(), {}, { signal, onProgress });
    await expect(aborted).rejects.toThrow('enough');
    const before = hub.cdnRequests.length;
    await snapshot();
    expect(hub.cdnRequests[before]?.headers.range).toBe('bytes=500000-');
  });

  test('ends the pause before another try', async () => {
    const controller = new AbortController();
    hub.intercept = (_, response) => {
      setImmediate(() => controller.abort(new Error('enough')));
      return refuse(response, 503, { 'Retry-After': '100' });
    };
    const { signal } = controller;
    const aborted = snapshot('hf:owner/name', settings(), { sleep: undefined }, { signal });
    await expect(aborted).rejects.toThrow('enough');
    expect(hub.requests).toHaveLength(1);
  });
});

test('files that are named are fetched, and no others', async () => {
  const files = ['unet/config.json', 'README.md'];
  const { folder, commit } = await snapshot('hf:owner/name', settings(), {}, { files });
  expect(hub.fetched()).toEqual(files);
  expect(commit).toBe(COMMIT);
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('# A model');
  const requests = hub.requests.length;
  await snapshot(`hf:owner/name@${COMMIT}`, settings(), {}, { files });
  expect(hub.requests).toHaveLength(requests);
  await expect(snapshot('hf:owner/name', settings(), {}, { files: ['none.txt'] })).rejects.toThrow(
    'hf:owner/name has no none.txt',
  );
});

test('a dataset lies beside the models', async () => {
  const files = ['README.md'];
  const { cacheFolder } = await snapshot('hf:datasets/owner/name', settings(), {}, { files });
  expect(cacheFolder).toBe(join(base, 'datasets--owner--name'));
  expect(hub.requests.map(({ path }) => path.split('?')[0])).toEqual([
    `/api/datasets/${NAME}/revision/main`,
    `/api/datasets/${NAME}/tree/${COMMIT}`,
    `/datasets/${NAME}/resolve/${COMMIT}/README.md`,
  ]);
  await expect(snapshot('hf:datasets/owner/name@v9', settings(), {}, { files })).rejects.toThrow(
    `${hub.url}/datasets/owner/name/tree/main shows`,
  );
});
