import type { FileReader } from '@loop-diffusion/diffusion-models';

import { resolveConfig } from '../configuration/resolve-config';
import { readModelDefaults } from './model-defaults';

const read = (config: unknown) => {
  const reader: FileReader = {
    name: 'a model',
    read: () => Promise.resolve(new TextEncoder().encode(JSON.stringify(config))),
    exists: () => Promise.resolve(true),
  };
  return readModelDefaults(reader);
};
const channels = { block_out_channels: [320, 640, 1280, 1280] };

// Keys of the published unet/config.json files.
test.each([
  [{ ...channels, sample_size: 64, cross_attention_dim: 768 }, 'Stable Diffusion at 512 pixels'],
  [{ ...channels, sample_size: 64, cross_attention_dim: 1024 }, 'Stable Diffusion at 512 pixels'],
  [{ ...channels, sample_size: 96, cross_attention_dim: 1024 }, 'Stable Diffusion at 768 pixels'],
  [
    { block_out_channels: [320, 640, 1280], addition_embed_type: 'text_time', sample_size: 128 },
    'Stable Diffusion XL',
  ],
  [{ ...channels, addition_embed_type: null }, 'Stable Diffusion at 512 pixels'],
  [{ block_out_channels: [32, 64], sample_size: 16 }, undefined],
  [null, undefined],
])('%j', async (config, name) => {
  expect((await read(config))?.name).toBe(name);
});

test('the defaults of each class make a configuration', async () => {
  for (const more of [{}, { sample_size: 96 }, { addition_embed_type: 'text_time' }]) {
    const { settings } = (await read({ ...channels, ...more }))!;
    expect(resolveConfig({}, [], settings)).toMatchObject(settings);
  }
});
