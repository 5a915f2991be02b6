import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { isRegistered } from './load';
import type { BackendName } from './backend-choice';
import { useBestBackend } from './use-best-backend';

let savedEnvironment: NodeJS.ProcessEnv;
let emptyCache: string;
let said: jest.SpyInstance;

/** As in a process that has chosen nothing yet, on a machine where nothing is installed. */
function forget(): void {
  const holder = globalThis as unknown as Record<symbol, unknown>;
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the key is this package's own symbol
  delete holder[Symbol.for('@loop-diffusion/native-tensorflow')];
  if (isRegistered('tensorflow')) tf.removeBackend('tensorflow');
}

beforeEach(() => {
  savedEnvironment = { ...process.env };
  emptyCache = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  process.env['LOOP_DIFFUSION_CACHE'] = emptyCache;
  said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  forget();
});

afterEach(() => {
  process.env = savedEnvironment;
  rmSync(emptyCache, { recursive: true });
  said.mockRestore();
  forget();
});

describe('where the native library is not installed', () => {
  it('WebAssembly serves, and one line says how to get better', async () => {
    const choice = await useBestBackend();
    expect(choice).toMatchObject({ name: 'wasm', gpu: false });
    expect(tf.getBackend()).toBe('wasm');
    expect(said.mock.calls).toEqual([[choice.reason]]);
    expect(choice.reason).not.toContain('\n');
    expect(choice.reason).toMatch(
      /`npx @loop-diffusion\/native-tensorflow install`|native library is installed on Linux/,
    );
  });

  it.each(['tensorflow', 'tensorflow-gpu'] as const)(
    'asking for %s is an error that says how',
    async (backend) => {
      await expect(useBestBackend({ backend })).rejects.toMatchObject({
        name: 'NativeTensorflowError',
        kind: 'backend',
        message: expect.stringContaining(`"${backend}" was asked for`) as string,
      });
      // A refusal does not stand in the way of the next call.
      await expect(useBestBackend()).resolves.toMatchObject({ name: 'wasm' });
    },
  );

  it('a cluster of several workers is an error; of one it is none', async () => {
    const workers = ['127.0.0.1:4001', '127.0.0.1:4002'];
    await expect(useBestBackend({ cluster: { workers, index: 0 } })).rejects.toMatchObject({
      name: 'ClusterError',
      kind: 'cluster',
      message: expect.stringMatching(
        /^A cluster of 2 workers needs TensorFlow's native library of this package\. Backend: /,
      ) as string,
    });
    const cluster = { workers: workers.slice(0, 1), index: 0 };
    await expect(useBestBackend({ cluster })).resolves.toMatchObject({ name: 'wasm' });
  });

  it('quiet says nothing', async () => {
    await useBestBackend({ quiet: true });
    expect(said).not.toHaveBeenCalled();
  });
});

it('a TensorFlow that the application has registered itself is taken as it is', async () => {
  const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu');
  const binding = { TF_Version: '2.9.1', isUsingGpuDevice: () => false };
  tf.registerBackend('tensorflow', () => Object.assign(new MathBackendCPU(), { binding }));
  await expect(useBestBackend()).resolves.toMatchObject({
    name: 'tensorflow',
    version: 'TensorFlow 2.9.1',
  });
  await expect(useBestBackend({ backend: 'tensorflow-gpu' })).rejects.toThrow(
    'of its own without a GPU',
  );
});

it('calls at the same time give the same answer, said once', async () => {
  const choices = await Promise.all([useBestBackend(), useBestBackend(), useBestBackend()]);
  expect(new Set(choices).size).toBe(1);
  expect(said).toHaveBeenCalledTimes(1);
});

it('goes back to the chosen backend after another was active', async () => {
  await useBestBackend({ backend: 'wasm' });
  await tf.setBackend('cpu');
  await useBestBackend({ backend: 'wasm' });
  expect(tf.getBackend()).toBe('wasm');
});

it('plain JavaScript computes and differentiates without a greeting', async () => {
  const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { name } = await useBestBackend({ backend: 'cpu' });
  expect(name).toBe('cpu');
  const gradient = tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, 2, 3]));
  expect(Array.from(gradient.dataSync())).toEqual([2, 4, 6]);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

it('an unknown backend is refused with the names that exist', async () => {
  await expect(useBestBackend({ backend: 'webgl' as BackendName })).rejects.toThrow(
    'There is no backend "webgl"; the backends are tensorflow-gpu, tensorflow, wasm, cpu.',
  );
});
