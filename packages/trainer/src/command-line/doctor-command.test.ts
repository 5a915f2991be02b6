import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { NativeTensorflowStatus } from '@loop-diffusion/native-tensorflow';

import type { MeasureBatchesOptions } from '../measure-batches';
import { captureOutput } from '../testing/captured-output';
import type { Core } from './core';
import { doctorCommand, type Diagnosis, type DoctorTools } from './doctor-command';

const build = {
  version: '2.21.0',
  folder: '/cache/tf',
  installed: true,
  size: 8e8,
  downloadSize: 3e8,
};
const native: NativeTensorflowStatus = {
  unsupported: null,
  cacheFolder: '/cache',
  cpu: build,
  gpu: { ...build, installed: false, size: 0, downloadSize: 2.6e9 },
  nvidiaDriver: null,
};

async function run(
  flags: Parameters<typeof doctorCommand>[0],
  tools: { status?: Partial<NativeTensorflowStatus>; backend?: 'tensorflow' | 'wasm' } = {},
) {
  const output = captureOutput();
  const installs: unknown[] = [];
  const name = tools.backend ?? 'tensorflow';
  const answers: DoctorTools = {
    install: (options) => {
      installs.push(options?.gpu);
      options?.onProgress?.('fetching', 0.5);
      return Promise.resolve({ folder: '/cache/tf', alreadyThere: false });
    },
    status: () => Promise.resolve({ ...native, ...tools.status }),
    useBackend: () =>
      Promise.resolve({ name, reason: 'because', gpu: false, version: 'TensorFlow 2.21.0' }),
    measure: () => Promise.resolve(240),
  };
  const context = { output, loadCore: () => Promise.reject(new Error()), exit: () => undefined };
  const code = await doctorCommand(flags, context, answers);
  return { code, out: output.outText(), error: output.errorText(), installs };
}

test('says what there is and how fast it is', async () => {
  const { code, out, installs } = await run({});
  expect(code).toBe(0);
  expect(installs).toEqual([]);
  expect(out).toContain(process.versions.node);
  expect(out).toMatch(/ {2}tensorflow +yes \(TensorFlow 2\.21\.0 in \/cache\/tf\)/);
  expect(out).toMatch(/ {2}tensorflow-gpu +no \(no NVIDIA driver\)/);
  expect(out).toContain('240 GFLOP/s');
});

test('--json is one object', async () => {
  const { out } = await run({ json: true });
  const diagnosis = JSON.parse(out) as Diagnosis;
  expect(diagnosis.backend.name).toBe('tensorflow');
  expect(diagnosis.matmulGigaflops).toBe(240);
  expect(diagnosis.machine.cores).toBeGreaterThan(0);
});

test.each<[string, Parameters<typeof run>[1], string]>([
  [
    'a missing library',
    { status: { cpu: { ...build, installed: false } }, backend: 'wasm' },
    'doctor --install',
  ],
  ['a library that does not load', { backend: 'wasm' }, 'did not load'],
  ['a GPU that is not used', { status: { nvidiaDriver: '550.54' } }, 'GPU build'],
  ['another platform', { status: { unsupported: 'There is none for FreeBSD.' } }, 'FreeBSD'],
])('advises about %s', async (_, tools, advice) => {
  expect((await run({}, tools)).out).toContain(advice);
});

test('--install installs what fits the machine, with progress on stderr', async () => {
  const plain = await run({ install: true, json: true });
  expect(plain.installs).toEqual([false]);
  expect(plain.error).toContain('fetching');
  expect(plain.error).toContain('/cache/tf');
  JSON.parse(plain.out);
  const gpu = await run({ install: true, quiet: true }, { status: { nvidiaDriver: '550' } });
  expect(gpu.installs).toEqual([true]);
  expect(gpu.error).toBe('');
});

test('--model measures batches instead, and says which to set', async () => {
  const model = mkdtempSync(join(tmpdir(), 'doctor-'));
  writeFileSync(join(model, 'model_index.json'), '{}');
  const output = captureOutput();
  const asked: MeasureBatchesOptions[] = [];
  const measurement = { rolloutSeconds: 0.005, updateSeconds: 0.0125, memoryBytes: 1.5e9 };
  const core = {
    measureBatches: (options: MeasureBatchesOptions) => {
      asked.push(options);
      const measurements = [{ ...measurement, batch: 16 }];
      return Promise.resolve({ measurements, rollout: 32, update: 16 });
    },
  } as Partial<Core> as Core;
  const context = { output, loadCore: () => Promise.resolve(core), exit: () => undefined };
  try {
    expect(await doctorCommand({ model, guidance: 5 }, context)).toBe(0);
    expect(asked).toMatchObject([{ model, guidance: 5, seconds: 120, backend: 'auto' }]);
    expect(output.outText()).toMatch(/16 +5\.00 ms +12\.5 ms +1\.5 GB/);
    expect(output.outText()).toContain('--set batch.rollout=32 --set batch.update=16');
    expect(await doctorCommand({ model: join(model, 'none') }, context).catch(String)).toMatch(
      /none/,
    );
  } finally {
    rmSync(model, { recursive: true });
  }
});
