import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

// eslint-disable-next-line @nx/enforce-module-boundaries -- lazy is the library, which its testing part is not
import { COMMIT, startHubServer, type HubServer } from '@loop-diffusion/hub/testing';

import { aesthetic } from './aesthetic';
import { fixture } from './testing/golden';

describe('a model on the hub', () => {
  const before = { ...process.env };
  let hub: HubServer;
  let cache: string;

  beforeEach(async () => {
    hub = await startHubServer(filesOf(fixture('clip')));
    cache = mkdtempSync(join(tmpdir(), 'reward-hub-'));
    process.env['HF_ENDPOINT'] = `${hub.url}/`;
    process.env['HF_HUB_CACHE'] = cache;
    process.env['HF_TOKEN'] = 'hf_secret';
  });

  afterEach(async () => {
    await hub.close();
    rmSync(cache, { recursive: true, force: true });
    process.env = { ...before };
    jest.restoreAllMocks();
  });

  it('is fetched into the cache that Python shares, only what is needed, and not again', async () => {
    const first = await aesthetic({ model: 'hf:owner/name' });
    const fetched = hub.fetched();
    expect(fetched).toContain('onnx/vision_model.onnx');
    expect(fetched.some((path) => /text_model|tokenizer/.test(path))).toBe(false);
    const snapshot = join(cache, 'models--owner--name', 'snapshots', COMMIT);
    expect(existsSync(join(snapshot, 'onnx', 'vision_model.onnx'))).toBe(true);
    expect(new Set(hub.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer hf_secret']),
    );
    const local = await aesthetic({ model: fixture('clip') });
    expect(first.version).toBe(local.version);

    const { length } = hub.requests;
    process.env['HF_HUB_OFFLINE'] = '1';
    for (const model of ['hf:owner/name', `hf:owner/name@${COMMIT}`]) {
      const again = await aesthetic({ model });
      expect(again.version).toBe(first.version);
      await again.dispose?.();
    }
    expect(hub.requests).toHaveLength(length);
    await Promise.all([first.dispose?.(), local.dispose?.()]);
  });

  it('is refused where a file is not the one that the hub lists', async () => {
    hub.intercept = ({ path }, response) => {
      if (!path.endsWith('/onnx/vision_model.onnx')) return false;
      response.end(Buffer.alloc(hub.files.get('onnx/vision_model.onnx')?.length ?? 0, 'x'));
      return true;
    };
    await expect(aesthetic({ model: 'hf:owner/name' })).rejects.toThrow(
      'onnx/vision_model.onnx of hf:owner/name arrived damaged',
    );
  });

  it('is refused before it is fetched where a file is too large', async () => {
    const oid = 'a'.repeat(40);
    hub.extraEntries.push({ type: 'file', path: 'reward.json', size: 2 ** 40, oid });
    await expect(aesthetic({ model: 'hf:owner/name' })).rejects.toThrow(
      'reward.json of hf:owner/name has 1099511627776 bytes, and at most 33554432 are fetched',
    );
    expect(hub.fetched()).not.toContain('reward.json');
  });

  it('says where it was looked for', async () => {
    await expect(aesthetic({ model: 'hf:owner/other' })).rejects.toThrow(
      `hf:owner/other: ${hub.url} has no model owner/other`,
    );
    process.env['HF_HUB_OFFLINE'] = '1';
    await expect(aesthetic({ model: 'hf:owner/name' })).rejects.toThrow(
      'HF_HUB_OFFLINE forbids to fetch it',
    );
  });

  it('is warned of where the hub is out of reach and the cache serves', async () => {
    const first = await aesthetic({ model: 'hf:owner/name' });
    await hub.close();
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const again = await aesthetic({ model: 'hf:owner/name' });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('The cache has it as of commit'));
    hub = await startHubServer({});
    await Promise.all([first.dispose?.(), again.dispose?.()]);
  });
});

it.each([
  ['hf:o', 'names nothing on the hub; expected hf:owner/name'],
  ['hf:o/../n', 'names nothing on the hub; expected hf:owner/name'],
  ['hf:o/n@../x', 'has no valid revision'],
  ['hf:datasets/o/n', 'is a dataset; expected a model'],
])('refuses the name %s', async (model, message) => {
  await expect(aesthetic({ model })).rejects.toThrow(message);
});

function filesOf(folder: string): Record<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), readFileSync(path)]),
  );
}
