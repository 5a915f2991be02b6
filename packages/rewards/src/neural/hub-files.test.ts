import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { aesthetic } from './aesthetic';
import { parseHubName } from './hub-name';
import { fixture } from './testing/golden';

const COMMIT = 'a'.repeat(40);

/** A hub with the model of `fixtures/clip`, which keeps what it was asked for. */
class FakeHub {
  readonly requests: string[] = [];
  readonly tokens = new Set<string | undefined>();
  /** Files that claim to be so large. */
  readonly sizes = new Map<string, number>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const url = decodeURIComponent(request.url ?? '').split('?')[0]!;
      this.requests.push(`${request.method!} ${url}`);
      this.tokens.add(request.headers.authorization);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const reply = (value: unknown) => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(value));
        };
        if (url.startsWith('/api/models/o/n/revision/')) {
          reply({ _id: '1', id: 'o/n', sha: COMMIT, modelId: 'o/n' });
        } else if (url === `/api/models/o/n/paths-info/${COMMIT}`) {
          const { paths } = JSON.parse(body) as { paths: string[] };
          const present = paths.filter((path) => existsSync(fixture('clip', path)));
          reply(
            present.map((path) => ({
              path,
              type: 'file',
              oid: Buffer.from(path).toString('hex').padEnd(40, '0').slice(0, 40),
              size: this.sizes.get(path) ?? statSync(fixture('clip', path)).size,
              lastCommit: { id: COMMIT, title: '', date: '2024-01-01' },
            })),
          );
        } else if (url.startsWith(`/o/n/resolve/${COMMIT}/`)) {
          const bytes = readFileSync(fixture('clip', url.slice(`/o/n/resolve/${COMMIT}/`.length)));
          const isProbe = request.headers.range === 'bytes=0-0';
          response.setHeader('etag', '"etag"');
          response.setHeader('content-range', `bytes 0-0/${bytes.length}`);
          response.end(isProbe ? bytes.subarray(0, 1) : bytes);
        } else {
          response.statusCode = 404;
          reply({ error: 'not found' });
        }
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('a model on the hub', () => {
  const before = { ...process.env };
  let hub: FakeHub;
  let cache: string;
  let debug: jest.SpyInstance;

  beforeEach(async () => {
    hub = new FakeHub();
    cache = mkdtempSync(join(tmpdir(), 'reward-hub-'));
    process.env['HF_ENDPOINT'] = `${await hub.start()}/`;
    process.env['HF_HUB_CACHE'] = cache;
    process.env['HF_TOKEN'] = 'hf_secret';
    debug = jest.spyOn(console, 'debug').mockImplementation(() => undefined);
  });

  afterEach(async () => {
    await hub.stop();
    rmSync(cache, { recursive: true, force: true });
    process.env = { ...before };
    jest.restoreAllMocks();
  });

  it('is fetched into the cache that Python shares, only what is needed, and not again', async () => {
    const first = await aesthetic({ model: 'hf:o/n' });
    const fetched = hub.requests.filter((each) => each.includes('/resolve/'));
    expect(fetched.some((each) => each.includes('text_model') || each.includes('tokenizer'))).toBe(
      false,
    );
    expect(
      existsSync(join(cache, 'models--o--n', 'snapshots', COMMIT, 'onnx', 'vision_model.onnx')),
    ).toBe(true);
    expect([...hub.tokens]).toEqual(['Bearer hf_secret']);
    // The library would tell of its downloads on standard output.
    expect(debug).not.toHaveBeenCalled();
    expect(console.debug).toBe(debug);
    const local = await aesthetic({ model: fixture('clip') });
    expect(first.version).toBe(local.version);

    hub.requests.length = 0;
    process.env['HF_HUB_OFFLINE'] = '1';
    const again = await aesthetic({ model: `hf:o/n@${COMMIT}` });
    expect(hub.requests).toEqual([]);
    expect(again.version).toBe(first.version);
    await Promise.all([first.dispose?.(), local.dispose?.(), again.dispose?.()]);
  });

  it('is refused before it is fetched where a file is too large', async () => {
    hub.sizes.set('reward.json', 2 ** 40);
    await expect(aesthetic({ model: 'hf:o/n' })).rejects.toThrow(
      /'reward\.json' of hf:o\/n cannot be fetched from http.*: it has 1099511627776 bytes; expected at most/,
    );
    expect(hub.requests.filter((each) => each.includes('/resolve/'))).toEqual([]);
  });

  it('says where it was looked for', async () => {
    await expect(aesthetic({ model: 'hf:o/other' })).rejects.toThrow(
      /the revision 'main' of hf:o\/other cannot be fetched from http:\/\/127/,
    );
    process.env['HF_HUB_OFFLINE'] = '1';
    await expect(aesthetic({ model: 'hf:o/n' })).rejects.toThrow('HF_HUB_OFFLINE forbids to ask');
  });
});

it('is called hf:owner/name, with a revision or without', () => {
  expect(parseHubName('hf:o/n')).toEqual({ repository: 'o/n', revision: 'main' });
  expect(parseHubName('hf:o/n.x@refs/pr/1')).toEqual({
    repository: 'o/n.x',
    revision: 'refs/pr/1',
  });
  expect(parseHubName('models/o')).toBeUndefined();
});

it.each([
  'hf:',
  'hf:n',
  'hf:o/n/m',
  'hf:o/../n',
  'hf:o/n@',
  'hf:o/n@../x',
  'hf:o/n@a@b',
  'hf:../..',
])('refuses the name %s', (name) => {
  expect(() => parseHubName(name)).toThrow('names no model on the hub');
});
