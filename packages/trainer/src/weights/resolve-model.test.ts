import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { startHubServer } from '@loop-diffusion/hub/testing';

import { captureOutput } from '../testing/captured-output';
import { UserError } from '../user-error';
import { resolveModel } from './resolve-model';

const PIPELINE = join(__dirname, '../../../diffusion-models/fixtures/pipeline');
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test('takes a folder with model_index.json', async () => {
  writeFileSync(join(base, 'model_index.json'), '{"a": 1}');
  expect(await (await resolveModel(base)).exists('model_index.json')).toBe(true);
});

test.each([
  ['model.bin', /pickled/],
  ['model.pt', /pickled/],
  ['model.ckpt', /pickled/],
  ['model.safetensors', /single weight file/],
  ['model.onnx', /is a file/],
])('refuses the file %s', async (name, message) => {
  const path = join(base, name);
  writeFileSync(path, 'x');
  await expect(resolveModel(path)).rejects.toThrow(UserError);
  await expect(resolveModel(path)).rejects.toThrow(message);
});

test('refuses what does not exist, another kind of folder, and a bad name on the hub', async () => {
  await expect(resolveModel(join(base, 'none'))).rejects.toThrow('does not exist');
  mkdirSync(join(base, 'pictures'));
  await expect(resolveModel(join(base, 'pictures'))).rejects.toThrow('no model_index.json');
  mkdirSync(join(base, 'models--owner--name', 'snapshots'), { recursive: true });
  await expect(resolveModel(join(base, 'models--owner--name'))).rejects.toThrow(
    "in the folders of 'snapshots', and hf:owner/name finds them",
  );
  await expect(resolveModel('hf:name')).rejects.toThrow('expected hf:owner/name');
  await expect(resolveModel('hf:datasets/owner/name')).rejects.toThrow('is a dataset; a model was');
});

test('takes a model of the hub, once for all callers, and tries again after a failure', async () => {
  const hub = await startHubServer(filesOf(PIPELINE));
  const variables = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: base, HF_TOKEN: 'x' };
  const replaced = jest.replaceProperty(process, 'env', { ...process.env, ...variables });
  try {
    const options = { output: captureOutput().error, quiet: true };
    await expect(resolveModel('hf:owner/name@v2', options)).rejects.toThrow(UserError);
    hub.revisions.set('v2', 'd'.repeat(40));
    const reader = await resolveModel('hf:owner/name@v2', options);
    hub.revisions.set('v2', 'e'.repeat(40));
    const requests = hub.requests.length;
    expect(await resolveModel('hf:owner/name@v2', options)).toBe(reader);
    expect(hub.requests).toHaveLength(requests);
    expect(new TextDecoder().decode(await reader.read('unet/config.json'))).toContain('UNet2D');
    expect(await reader.exists('unet/none.json')).toBe(false);
  } finally {
    replaced.restore();
    await hub.close();
  }
});

test('refuses a model of the hub that cannot be loaded, before its weights come', async () => {
  const files = filesOf(PIPELINE);
  files['unet/config.json'] = Buffer.from('{"act_fn": "mish"}');
  const hub = await startHubServer(files);
  const variables = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: base };
  const replaced = jest.replaceProperty(process, 'env', { ...process.env, ...variables });
  try {
    const asked = resolveModel('hf:owner/name', { output: captureOutput().error, quiet: true });
    await expect(asked).rejects.toThrow(UserError);
    await expect(asked).rejects.toThrow('act_fn = "mish" is not supported');
    expect(hub.fetched().filter((path) => path.endsWith('.safetensors'))).toEqual([]);
  } finally {
    replaced.restore();
    await hub.close();
  }
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
