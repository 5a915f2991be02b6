import { join } from 'node:path';

import type { NativeTensorflowStatus } from '@loop-diffusion/native-tensorflow';

import type { MeasureBatchesOptions } from '../api/measure-batches';
import { captureOutput } from '../testing/captured-output';
import type { Core } from './core';
import { doctorCommand } from './doctor-command';
import type { Diagnosis, DoctorTools } from './doctor-diagnosis';

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

interface Situation {
  readonly status?: Partial<NativeTensorflowStatus>;
  readonly backend?: 'tensorflow' | 'wasm';
  readonly kernels?: Diagnosis['kernels'];
}

function answers(
  { status, backend, kernels }: Situation = {},
  installs: unknown[] = [],
): DoctorTools {
  const name = backend ?? 'tensorflow';
  return {
    install: (options) => {
      installs.push(options?.gpu);
      options?.onProgress?.('fetching', 0.5);
      return Promise.resolve({ folder: '/cache/tf', alreadyThere: false, notes: ['No AVX2.'] });
    },
    status: () => Promise.resolve({ ...native, ...status }),
    useBackend: () =>
      Promise.resolve({
        ...{ name, reason: 'because', gpu: false, version: 'TensorFlow 2.21.0' },
        kernels: kernels ?? { set: 'avx512', reason: 'For AVX-512.' },
        notes: [],
      }),
    measure: () => Promise.resolve(240),
    pictures: () => Promise.resolve({ sharp: undefined, resvg: 'not there' }),
    memoryBytes: () => 8e9,
  };
}

async function run(flags: Parameters<typeof doctorCommand>[0], tools: Situation = {}) {
  const output = captureOutput();
  const installs: unknown[] = [];
  const context = {
    ...{ output, loadCore: () => Promise.reject(new Error()), exit: () => undefined },
    argv: [],
    launchRun: () => Promise.reject(new Error()),
  };
  const code = await doctorCommand(flags, context, answers(tools, installs));
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
  expect(out).toMatch(/^sharp +works$/m);
  expect(out).toMatch(/^resvg +not there$/m);
});

test('says which kernels serve, or why none', async () => {
  expect((await run({})).out).toMatch(/^kernels +avx512 \(For AVX-512\)$/m);
  const kernels = { set: null, reason: 'They are off.' };
  expect((await run({}, { kernels })).out).toMatch(
    /^kernels +TensorFlow's alone \(They are off\)$/m,
  );
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
  expect(plain.error).toContain('No AVX2.');
  JSON.parse(plain.out);
  const gpu = await run({ install: true, quiet: true }, { status: { nvidiaDriver: '550' } });
  expect(gpu.installs).toEqual([true]);
  expect(gpu.error).toBe('');
});

test('--install --gpu installs the build for GPUs where no driver is seen', async () => {
  expect((await run({ install: true, gpu: true })).installs).toEqual([true]);
  await expect(run({ gpu: true })).rejects.toThrow('--gpu says what --install installs');
});

describe('--model', () => {
  const model = join(__dirname, '../../../diffusion-models/fixtures/pipeline');
  const measured: MeasureBatchesOptions[] = [];
  async function ask(flags: Parameters<typeof doctorCommand>[0], memoryBytes = 8e9) {
    const output = captureOutput();
    measured.length = 0;
    const core: Partial<Core> = {
      measureBatches: (options) => {
        measured.push(options);
        const measurement = { rolloutSeconds: 0.01, updateSeconds: 0.02, memoryBytes: 1e9 };
        return Promise.resolve({
          measurements: [{ batch: 4, ...measurement }],
          ...{ rollout: 4, update: 4 },
        });
      },
    };
    const context = {
      output,
      loadCore: () => Promise.resolve(core as Core),
      argv: [],
      launchRun: () => Promise.reject(new Error()),
      exit: () => undefined,
    };
    const tools = { ...answers(), memoryBytes: () => memoryBytes };
    const code = await doctorCommand({ model, ...flags }, context, tools);
    return { code, out: output.outText() };
  }

  test('says what memory it needs, measures batches, and says which to set', async () => {
    const { code, out } = await ask({ guidance: 5, height: 64 });
    expect(code).toBe(0);
    expect(measured).toMatchObject([
      { model, guidance: 5, height: 64, seconds: 120, backend: 'auto' },
    ]);
    expect(out).toMatch(/learning from one pair.*\n +0\.\d GB +as it is\n/);
    // 256 images of 64 × 64 pixels, three float32 each.
    expect(out).toMatch(/evaluating +0\.0 GB besides for the 256 images of an evaluation/);
    expect(out).toContain('--set batch.rollout=4 --set batch.update=4');
    const json = JSON.parse((await ask({ json: true })).out) as Record<string, unknown>;
    expect(json).toMatchObject({ rollout: 4, memory: { weights: expect.any(Number) as number } });
  });

  test('refuses in one sentence what cannot fit', async () => {
    await expect(ask({}, 1e8)).rejects.toThrow(/needs about 0\.\d GB to draw one image, and this/);
    await expect(ask({ height: 8192, width: 8192 }, 8e9)).rejects.toThrow(
      /GB to (draw one|learn from one) image.*this machine has 8\.0 GB; .*--height, --width/,
    );
    expect(measured).toEqual([]);
    await expect(ask({ model: join(model, 'none') })).rejects.toThrow('does not exist');
  });
});
