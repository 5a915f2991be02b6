import { copyFileSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { startupAddonFile } from '../addon-files';
import { buildFolder } from '../cache';
import { canServe } from '../fixtures/installed-kernels';
import { useBestBackend } from '../use-best-backend';
import { nativeBuilds } from '../wheels';
import { kernelDefinitions } from './definitions';
import {
  instructionSets,
  kernelsFile,
  type InstructionSet,
  type InstructionSetName,
} from './instruction-sets';
import { kernelRecordFile } from './kernel-record';
import { chooseSet, loadKernels, processorSets } from './load-kernels';

const setOf = (name: InstructionSetName): InstructionSet =>
  instructionSets.find((one) => one.name === name)!;
const [avx512, avx2] = [setOf('avx512'), setOf('avx2')];

describe('which set serves', () => {
  const all = {
    supported: [avx512, avx2],
    record: { avx512: 'works', avx2: 'works' },
    isBuilt: () => true,
    asked: undefined,
  } as const;

  it('the best that works', () => {
    expect(chooseSet(all)).toEqual({ set: avx512, problem: undefined });
    expect(chooseSet({ ...all, supported: [avx2] })).toEqual({ set: avx2, problem: undefined });
    expect(chooseSet({ ...all, asked: 'avx2' })).toEqual({ set: avx2, problem: undefined });
    expect(chooseSet({ ...all, supported: [] })).toEqual({ problem: undefined });
  });

  it('the next one where the best failed, is missing or was never checked, and says so', () => {
    const failed = { avx512: { problem: 'LoopLinear is wrong.' }, avx2: 'works' } as const;
    expect(chooseSet({ ...all, record: failed })).toEqual({
      set: avx2,
      problem: 'The kernels for AVX-512 are not used: LoopLinear is wrong.',
    });
    expect(chooseSet({ ...all, isBuilt: (set) => set === avx2 })).toEqual({
      set: avx2,
      problem: 'The kernels for AVX-512 are not there.',
    });
    expect(chooseSet({ ...all, record: { avx2: 'works' } })).toEqual({
      set: avx2,
      problem: expect.stringContaining('`npx @loop-diffusion/native-tensorflow install`') as string,
    });
  });

  it('none where the one asked for cannot', () => {
    expect(chooseSet({ ...all, supported: [avx2], asked: 'avx512' })).toEqual({
      problem: 'LOOP_DIFFUSION_KERNELS is avx512, which this processor cannot run.',
    });
    expect(chooseSet({ ...all, record: {}, asked: 'avx2' }).set).toBeUndefined();
  });
});

const describeKernels = canServe() || Boolean(process.env['CI']) ? describe : describe.skip;

describeKernels('loading', () => {
  const whole = buildFolder(nativeBuilds.cpu);
  const cpu = { folder: whole, kind: 'cpu', precision: 'float32' } as const;
  const saved = process.env['LOOP_DIFFUSION_KERNELS'];
  let copy: string;

  beforeAll(async () => {
    await useBestBackend({ backend: 'tensorflow', quiet: true });
  });

  beforeEach(() => {
    unregister();
    delete process.env['LOOP_DIFFUSION_KERNELS'];
    copy = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
    symlinkSync(join(whole, 'tensorflow'), join(copy, 'tensorflow'));
    copyFileSync(join(whole, startupAddonFile), join(copy, startupAddonFile));
    copyFileSync(join(whole, kernelRecordFile), join(copy, kernelRecordFile));
  });

  afterEach(() => {
    if (saved === undefined) delete process.env['LOOP_DIFFUSION_KERNELS'];
    else process.env['LOOP_DIFFUSION_KERNELS'] = saved;
    rmSync(copy, { recursive: true });
  });

  function unregister(): void {
    for (const { name } of kernelDefinitions) {
      if (isRegistered(name)) tf.unregisterKernel(name, 'tensorflow');
    }
  }
  const isRegistered = (kernel = 'LoopLinear'): boolean =>
    (tf.getKernel(kernel, 'tensorflow') as unknown) !== undefined;

  it('each set serves where it is asked for', async () => {
    for (const { name } of processorSets(whole)) {
      process.env['LOOP_DIFFUSION_KERNELS'] = name;
      const { choice, problem } = await loadKernels(cpu);
      expect(choice.set).toBe(name);
      expect(problem).toBeUndefined();
      expect(isRegistered()).toBe(true);
    }
  });

  it('off and on GPUs none serve, which is no problem', async () => {
    const choices = [await loadKernels({ ...cpu, kind: 'gpu' })];
    process.env['LOOP_DIFFUSION_KERNELS'] = 'off';
    choices.push(await loadKernels(cpu));
    expect(choices).toEqual(
      ['the build for NVIDIA GPUs', 'LOOP_DIFFUSION_KERNELS is off'].map((reason) => ({
        choice: { set: null, reason: expect.stringContaining(reason) as string },
        problem: undefined,
      })),
    );
    expect(isRegistered()).toBe(false);
  });

  it('a word that is none of the sets is told', async () => {
    process.env['LOOP_DIFFUSION_KERNELS'] = 'sse9';
    const { choice, problem } = await loadKernels(cpu);
    expect(choice.set).toBeNull();
    expect(problem).toContain('is "sse9", but may be off, avx512bf16, avx512 or avx2.');
  });

  it.each([
    ['is broken', true, 'do not load'],
    ['is missing', false, 'are not there'],
  ])('where the addon %s TensorFlow goes on without it', async (_, isThere, told) => {
    for (const set of isThere ? instructionSets : []) {
      const file = kernelsFile(set);
      writeFileSync(join(copy, file), Buffer.alloc(statSync(join(whole, file)).size));
    }
    const { choice, problem } = await loadKernels({ ...cpu, folder: copy });
    expect(choice.set).toBeNull();
    expect(problem).toContain(told);
    expect(problem).toContain("TensorFlow's own kernels");
    expect(isRegistered()).toBe(false);
  });
});
