import { formatAutoencoderConfig, parseAutoencoderConfig } from './config';

const published = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: '0.6.0',
  act_fn: 'silu',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array(4).fill('DownEncoderBlock2D') as string[],
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 512,
  up_block_types: Array(4).fill('UpDecoderBlock2D') as string[],
};

test('reads what Stable Diffusion 1.5 publishes', () => {
  expect(parseAutoencoderConfig(published)).toEqual({
    inChannels: 3,
    outChannels: 3,
    latentChannels: 4,
    blockOutChannels: [128, 256, 512, 512],
    layersPerBlock: 2,
    normGroups: 32,
    scalingFactor: 0.18215,
    sampleSize: 512,
  });
});

test('writes what it reads', () => {
  const config = parseAutoencoderConfig({ ...published, scaling_factor: 0.5 });
  expect(parseAutoencoderConfig(formatAutoencoderConfig(config))).toEqual(config);
});

test('takes what changes nothing', () => {
  const changes = {
    latents_mean: [0, 0, 0, 0],
    latents_std: [1, 1, 1, 1],
    sample_size: [512, 512],
  };
  expect(parseAutoencoderConfig({ ...published, ...changes })).toEqual(
    parseAutoencoderConfig(published),
  );
});

test.each([
  [{ scaling_factor: Infinity }, 'scaling_factor must be a number, not Infinity'],
  [{ latents_mean: [0, 0.1, 0, 0] }, 'latents_mean = [0,0.1,0,0] is not supported'],
  [{ shift_factor: 0.1 }, 'shift_factor = 0.1 is not supported; supported: null'],
  [{ mid_block_add_attention: false }, 'mid_block_add_attention = false is not supported'],
  [{ use_quant_conv: false }, 'use_quant_conv = false is not supported; supported: true'],
  [{ layers: 3 }, 'unknown key layers'],
  [{ norm_num_groups: 48 }, '128 channels do not divide into norm_num_groups = 48'],
  [{ up_block_types: ['UpDecoderBlock2D'] }, 'up_block_types has 1 entries'],
  [{ latent_channels: 'four' }, 'latent_channels must be a positive integer, not "four"'],
  [{ _class_name: 'AsymmetricAutoencoderKL' }, '_class_name = "AsymmetricAutoencoderKL"'],
])('refuses %j', (change, message) => {
  expect(() => parseAutoencoderConfig({ ...published, ...change })).toThrow(
    `AutoencoderKL config: ${message}`,
  );
});
