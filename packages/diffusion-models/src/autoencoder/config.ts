import { configReader } from '../config-reader';

/** What this library supports of diffusers' `AutoencoderKL`: all that Stable Diffusion 1 and 2 use. */
export interface AutoencoderConfig {
  /** Colours of an image. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Per level, from the image down; every level but the last halves the size. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks per level of the encoder; the decoder has one more. */
  readonly layersPerBlock: number;
  readonly normGroups: number;
  /** Latents times this have about unit variance: the scale at which the UNet works. */
  readonly scalingFactor: number;
  /** Side of the images it was trained on, in pixels; of no effect here. */
  readonly sampleSize: number;
}

/**
 * Reads a diffusers `vae/config.json`. Missing keys mean diffusers' defaults.
 * @throws Error that names the key and value that are not supported
 */
export function parseAutoencoderConfig(json: unknown): AutoencoderConfig {
  const read = configReader('AutoencoderKL', json);
  const config: AutoencoderConfig = {
    inChannels: read.count('in_channels', 3),
    outChannels: read.count('out_channels', 3),
    latentChannels: read.count('latent_channels', 4),
    blockOutChannels: read.counts('block_out_channels', [64]),
    layersPerBlock: read.count('layers_per_block', 1),
    normGroups: read.count('norm_num_groups', 32),
    scalingFactor: read.number('scaling_factor', 0.18215),
    sampleSize: read.count('sample_size', 32),
  };
  const levels = config.blockOutChannels.length;
  for (const [key, type] of [
    ['down_block_types', 'DownEncoderBlock2D'],
    ['up_block_types', 'UpDecoderBlock2D'],
  ] as const) {
    const types = read.words(key, [type], [type]);
    if (types.length !== levels) {
      read.refuse(`${key} has ${types.length} entries, block_out_channels has ${levels}`);
    }
  }
  for (const channels of config.blockOutChannels) {
    if (channels % config.normGroups !== 0) {
      read.refuse(`${channels} channels do not divide into norm_num_groups = ${config.normGroups}`);
    }
  }
  read.only('act_fn', ['silu']);
  read.only('mid_block_add_attention', [true]);
  read.only('use_quant_conv', [true]);
  read.only('use_post_quant_conv', [true]);
  // Of each channel: 0 and 1 change nothing.
  read.only('latents_mean', [null, 0]);
  read.only('latents_std', [null, 1]);
  read.only('quantization_config', [null]);
  read.only('shift_factor', [null]);
  read.ignore('force_upcast');
  read.end();
  return config;
}

/** The `vae/config.json` that diffusers reads back as this model. */
export function formatAutoencoderConfig(config: AutoencoderConfig): Record<string, unknown> {
  return {
    _class_name: 'AutoencoderKL',
    _diffusers_version: '0.35.2',
    act_fn: 'silu',
    block_out_channels: [...config.blockOutChannels],
    down_block_types: config.blockOutChannels.map(() => 'DownEncoderBlock2D'),
    force_upcast: true,
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    latents_mean: null,
    latents_std: null,
    layers_per_block: config.layersPerBlock,
    mid_block_add_attention: true,
    norm_num_groups: config.normGroups,
    out_channels: config.outChannels,
    sample_size: config.sampleSize,
    scaling_factor: config.scalingFactor,
    shift_factor: null,
    up_block_types: config.blockOutChannels.map(() => 'UpDecoderBlock2D'),
    use_post_quant_conv: true,
    use_quant_conv: true,
  };
}
