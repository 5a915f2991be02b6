import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { provideModel, stableDiffusion15, type FullSizeModel } from './full-size-model';

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'loop-diffusion-bench-model-'));
});

afterEach(() => {
  rmSync(cache, { recursive: true, force: true });
});

const freeBytes = () => Promise.resolve(1e10);

async function writeSomething({ folder }: FullSizeModel): Promise<void> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'model_index.json'), '{}');
}

test('a model is written once, each kind of numbers in a folder of its own', async () => {
  const write = jest.fn(writeSomething);
  const half = stableDiffusion15(join(cache, 'models'), 'F16');
  await provideModel(half, { write, freeBytes });
  await provideModel(half, { write, freeBytes });
  expect(write).toHaveBeenCalledTimes(1);
  expect(existsSync(join(half.folder, 'model_index.json'))).toBe(true);

  await provideModel(stableDiffusion15(join(cache, 'models'), 'F32'), { write, freeBytes });
  expect(readdirSync(join(cache, 'models')).sort()).toEqual(['sd15-float16', 'sd15-float32']);
});

test('one that is written in part leaves nothing', async () => {
  const write = async (model: FullSizeModel): Promise<void> => {
    await writeSomething(model);
    throw new Error('interrupted');
  };
  const model = stableDiffusion15(cache, 'F16');
  await expect(provideModel(model, { write, freeBytes })).rejects.toThrow('interrupted');
  expect(readdirSync(cache)).toEqual([]);
});

test('a disk that is too full is told before anything is written', async () => {
  const write = jest.fn(writeSomething);
  const model = stableDiffusion15(cache, 'F32');
  await expect(
    provideModel(model, { write, freeBytes: () => Promise.resolve(4.25e9) }),
  ).rejects.toThrow(/needs 5.5 GB in .*, where 4.3 GB are free; LOOP_DIFFUSION_CACHE/);
  expect(write).not.toHaveBeenCalled();
});
