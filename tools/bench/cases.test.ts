import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { workspaceRoot } from '../check/workspace';
import { benchCases, chooseCases } from './cases';
import { parseBenchOptions } from './options';
import { adapterGradientOperations, unetOperations } from './unet-operations';
import { decoderOperations } from './vae-operations';

const bench = join(workspaceRoot, 'tools', 'bench');
const files = { promptFile: join(bench, 'prompts.txt'), modelCache: '/models' };
const cases = benchCases({ device: 'cpu', smoke: false, ...files });
const names = (chosen: typeof cases) => chosen.map(({ name }) => name);

test('every case has a name of its own, ours first, scripts that exist and rivals that run', () => {
  expect(new Set(names(cases)).size).toBe(cases.length);
  for (const { workers, comparisons } of cases) {
    expect(workers[0]?.name).toBe('loop-diffusion');
    for (const { runtime, script } of workers) {
      const folder = runtime === 'python' ? 'python' : 'workers';
      expect(existsSync(join(bench, folder, script))).toBe(true);
    }
    const rivals = workers.slice(1).map(({ name }) => name);
    for (const { against } of comparisons) {
      expect(against.some((name) => rivals.includes(name))).toBe(true);
    }
  }
});

test('cases are chosen by group, by name, or by the first part of their names', () => {
  expect(chooseCases(cases, ['quick', 'full'], [])).toEqual(cases);
  expect(names(chooseCases(cases, ['quick'], []))).toContain('iteration-2');
  expect(names(chooseCases(cases, ['quick'], []))).not.toContain('wasm');
  expect(names(chooseCases(cases, ['quick'], ['iteration-1', 'wasm']))).toEqual([
    'iteration-1',
    'wasm',
  ]);
  expect(names(chooseCases(cases, ['quick'], ['scaling-k']))).toEqual([
    'scaling-k-2',
    'scaling-k-4',
    'scaling-k-8',
  ]);
});

test('cases at real sizes read the model that is written for them, smoke ones the shipped model', () => {
  const iterations = (smoke: boolean) =>
    chooseCases(benchCases({ device: 'cpu', smoke, ...files }), [], ['iteration-sd15-bfloat16']);
  const [real] = iterations(false);
  expect(real?.model).toEqual({ folder: join('/models', 'sd15-float16'), dtype: 'F16' });
  for (const { settings } of real?.workers ?? [])
    expect(settings['model']).toBe(real?.model?.folder);
  const [small] = iterations(true);
  expect(small?.model).toBeUndefined();
  for (const { settings } of small?.workers ?? []) {
    expect(existsSync(join(String(settings['model']), 'model_index.json'))).toBe(true);
  }
});

test('an unknown name is an error with the list', () => {
  expect(() => chooseCases(cases, ['quick'], ['iteratoin', 'wasm'])).toThrow(
    /no case iteratoin; there are operations, .*iteration-1.*wasm/,
  );
});

test('a GPU is asked for on both sides', () => {
  const [first] = benchCases({ device: 'gpu', smoke: true, ...files });
  const devices = first?.workers.map(({ settings }) => settings['device']);
  expect(devices).toEqual(['tensorflow-gpu', 'cuda', 'cuda']);
});

test('options', () => {
  expect(parseBenchOptions([])).toMatchObject({ groups: ['quick'], rounds: 5, device: 'cpu' });
  expect(parseBenchOptions(['--smoke'])).toMatchObject({ rounds: 1, smoke: true });
  expect(parseBenchOptions(['--full', '--only', 'wasm,blocks', '--rounds', '3'])).toMatchObject({
    groups: ['quick', 'full'],
    only: ['wasm', 'blocks'],
    rounds: 3,
  });
  expect(() => parseBenchOptions(['--rounds', '0'])).toThrow('--rounds is 0');
  expect(() => parseBenchOptions(['--device', 'tpu'])).toThrow('cpu or gpu');
  expect(() => parseBenchOptions(['--ful'])).toThrow('--ful');
});

describe('operations of a UNet', () => {
  // One level, so that everything is at the latents' own size.
  const config = {
    block_out_channels: [8],
    layers_per_block: 1,
    down_block_types: ['DownBlock2D'],
    up_block_types: ['UpBlock2D'],
    cross_attention_dim: 6,
    attention_head_dim: 2,
    norm_num_groups: 4,
  };

  test('of a tiny one, by hand', () => {
    // Per pixel: convolutions in and out, residual blocks of 8 → 8 (down one, middle two) and 16 → 8 (up two, with a shortcut).
    const convolutions = 9 * 4 * 8 * 2 + 3 * 2 * 9 * 64 + 2 * (9 * 128 + 9 * 64 + 128);
    // The middle's transformer: in and out, four projections of itself, two to the text, feed-forward of 8 → 64 and 32 → 8.
    const transformer = 2 * 64 + 4 * 64 + 2 * 64 + 512 + 256;
    const perToken = 2 * 6 * 8;
    // Time: 8 → 32 → 32, and 32 → 8 for each of five residual blocks.
    const once = 8 * 32 + 32 * 32 + 5 * 32 * 8;
    const [pixels, tokens] = [16, 3];
    const attention = 4 * 8 * pixels * (pixels + tokens);
    const expected =
      2 * (pixels * (convolutions + transformer) + tokens * perToken + once) + attention;
    expect(unetOperations({ config, latentSize: 4, tokens })).toBe(expected);
    expect(adapterGradientOperations({ config, latentSize: 4, tokens })).toBe(2 * expected);
  });
});

test('operations of a tiny decoder, by hand', () => {
  const config = {
    block_out_channels: [4, 8],
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
    layers_per_block: 1,
    norm_num_groups: 4,
  };
  // Per pixel of the latents: 1×1 of 4 → 4, in of 4 → 8, two residual blocks and four projections of the middle, two residual
  // blocks of the first level up.
  const small = 16 + 9 * 32 + 2 * 2 * 9 * 64 + 4 * 64 + 2 * 2 * 9 * 64;
  // At twice the side: what enlarges, residual blocks of 8 → 4, with a shortcut, and 4 → 4, out of 4 → 3.
  const large = 9 * 64 + (9 * 32 + 9 * 16 + 32) + 2 * 9 * 16 + 9 * 12;
  const pixels = 9;
  const attention = 4 * 8 * pixels * pixels;
  const expected = 2 * (pixels * small + 4 * pixels * large) + attention;
  expect(decoderOperations({ config, latentSize: 3 })).toBe(expected);
});
