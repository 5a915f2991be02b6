import { configReader, type ConfigReader } from '../config-reader';

export type DownBlockType = 'CrossAttnDownBlock2D' | 'DownBlock2D';
export type UpBlockType = 'CrossAttnUpBlock2D' | 'UpBlock2D';

/** What this library supports of diffusers' `UNet2DConditionModel`: all that Stable Diffusion 1, 2 and XL use. */
export interface UNetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Per level, from the latents down; every level but the last halves the size. */
  readonly blockOutChannels: readonly number[];
  readonly downBlockTypes: readonly DownBlockType[];
  readonly upBlockTypes: readonly UpBlockType[];
  /** Residual blocks per level on the way down; on the way up there is one more. */
  readonly layersPerBlock: number;
  /** Attention heads per level. The file calls it `attention_head_dim`, which it is not. */
  readonly attentionHeads: readonly number[];
  /** Transformer blocks in each attention, per level; without effect on a level that has none. */
  readonly transformerLayers: readonly number[];
  /** Stable Diffusion XL's second condition, a vector that is added to the time; none in 1 and 2. */
  readonly addedCondition: AddedConditionConfig | undefined;
  /** Channels of the text encoder's output. */
  readonly crossAttentionDim: number;
  readonly normGroups: number;
  readonly normEpsilon: number;
  /** Are a transformer's first and last layer linear (Stable Diffusion 2) or 1×1 convolutions (1)? */
  readonly useLinearProjection: boolean;
  /** Is a timestep's sinusoid [cos | sin], or [sin | cos]? */
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
  /** Side of the latents it was trained on; of no effect here. At least 64 of a file of diffusers before 0.9, which gave half. */
  readonly sampleSize: number;
}

/** What diffusers calls `addition_embed_type` `text_time`: a text's embedding and some sizes (Podell et al. 2023, section 2.2). */
export interface AddedConditionConfig {
  /** Channels of the sinusoid of each size. */
  readonly sizeChannels: number;
  /** Of the text's embedding and the sinusoids of all sizes together. */
  readonly channels: number;
}

/**
 * Reads a diffusers `unet/config.json`. Missing keys mean diffusers' defaults.
 * @throws Error that names the key and value that are not supported
 */
export function parseUNetConfig(json: unknown): UNetConfig {
  const read = configReader('UNet2DConditionModel', json);
  const blockOutChannels = read.counts('block_out_channels', [320, 640, 1280, 1280]);
  const levels = blockOutChannels.length;
  const perLevel = (key: string, byDefault: number): number[] =>
    Array.isArray(read.raw(key))
      ? read.counts(key, [])
      : new Array<number>(levels).fill(read.count(key, byDefault));
  const config: UNetConfig = {
    inChannels: read.count('in_channels', 4),
    outChannels: read.count('out_channels', 4),
    blockOutChannels,
    downBlockTypes: read.words(
      'down_block_types',
      ['CrossAttnDownBlock2D', 'DownBlock2D'],
      ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    ),
    upBlockTypes: read.words(
      'up_block_types',
      ['CrossAttnUpBlock2D', 'UpBlock2D'],
      ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
    ),
    layersPerBlock: read.count('layers_per_block', 2),
    attentionHeads: perLevel('attention_head_dim', 8),
    transformerLayers: perLevel('transformer_layers_per_block', 1),
    addedCondition: readAddedCondition(read),
    crossAttentionDim: read.count('cross_attention_dim', 1280),
    normGroups: read.count('norm_num_groups', 32),
    normEpsilon: read.number('norm_eps', 1e-5),
    useLinearProjection: read.flag('use_linear_projection', false),
    flipSinToCos: read.flag('flip_sin_to_cos', true),
    freqShift: read.number('freq_shift', 0),
    sampleSize: readSampleSize(read),
  };

  for (const [key, entries] of [
    ['down_block_types', config.downBlockTypes],
    ['up_block_types', config.upBlockTypes],
    ['attention_head_dim', config.attentionHeads],
    ['transformer_layers_per_block', config.transformerLayers],
  ] as const) {
    if (entries.length !== levels) {
      read.refuse(`${key} has ${entries.length} entries, block_out_channels has ${levels}`);
    }
  }
  blockOutChannels.forEach((channels, level) => {
    for (const [key, parts] of [
      ['norm_num_groups', config.normGroups],
      ['attention_head_dim (the number of heads)', config.attentionHeads[level] as number],
    ] as const) {
      if (channels % parts !== 0) {
        read.refuse(`${channels} channels do not divide into ${key} = ${parts}`);
      }
    }
  });

  // All that diffusers' class can do besides: the values under which it has no effect.
  read.only('act_fn', ['silu']);
  read.only('attention_type', ['default']);
  read.only('center_input_sample', [false]);
  read.only('class_embed_type', [null]);
  read.only('class_embeddings_concat', [false]);
  read.only('conv_in_kernel', [3]);
  read.only('conv_out_kernel', [3]);
  read.only('cross_attention_norm', [null]);
  read.only('downsample_padding', [1]);
  read.only('dropout', [0]);
  read.only('dual_cross_attention', [false]);
  read.only('encoder_hid_dim', [null]);
  read.only('encoder_hid_dim_type', [null]);
  read.only('mid_block_only_cross_attention', [null, false]);
  read.only('mid_block_scale_factor', [1]);
  read.only('mid_block_type', ['UNetMidBlock2DCrossAttn']);
  read.only('num_attention_heads', [null]);
  read.only('num_class_embeds', [null]);
  read.only('only_cross_attention', [false]);
  read.only('resnet_out_scale_factor', [1]);
  read.only('resnet_skip_time_act', [false]);
  read.only('resnet_time_scale_shift', ['default']);
  read.only('quantization_config', [null]);
  read.only('reverse_transformer_layers_per_block', [null]);
  read.only('time_cond_proj_dim', [null]);
  read.only('time_embedding_act_fn', [null]);
  read.only('time_embedding_dim', [null]);
  read.only('time_embedding_type', ['positional']);
  read.only('timestep_post_act', [null]);
  // The size of a part that is not there, and an attention in float32 where all is float32.
  read.ignore('addition_embed_type_num_heads', 'upcast_attention');
  // How `EMAModel` of diffusers averaged the weights that lie beside the file.
  read.ignore('decay', 'min_decay', 'optimization_step', 'update_after_step');
  read.ignore('use_ema_warmup', 'inv_gamma', 'power');
  read.end();
  return config;
}

/** Stable Diffusion's pipeline in diffusers does the same: files of before 0.9 give half of the size that it was trained on. */
const TRAINED_SIZE = 64;

function readSampleSize(read: ConfigReader): number {
  const size = read.count('sample_size', TRAINED_SIZE);
  const version = read.raw('_diffusers_version');
  const [major = NaN, minor = NaN] =
    typeof version === 'string' ? version.split('.').map((part) => Number.parseInt(part)) : [];
  const isOld = major === 0 && minor < 9;
  return isOld && !Array.isArray(read.raw('sample_size')) ? Math.max(size, TRAINED_SIZE) : size;
}

function readAddedCondition(read: ConfigReader): AddedConditionConfig | undefined {
  const type = read.raw('addition_embed_type');
  if (type === undefined) {
    // Of a part that is not there.
    read.ignore('addition_time_embed_dim', 'projection_class_embeddings_input_dim');
    return undefined;
  }
  read.only('addition_embed_type', ['text_time']);
  // No default fits: diffusers' is null for both.
  const required = (key: string): number =>
    read.raw(key) === undefined ? read.refuse(`${key} is missing`) : read.count(key, 1);
  return {
    sizeChannels: required('addition_time_embed_dim'),
    channels: required('projection_class_embeddings_input_dim'),
  };
}

/** The `unet/config.json` that diffusers reads back as this model. */
export function formatUNetConfig(config: UNetConfig): Record<string, unknown> {
  const perLevel = (values: readonly number[]): number | number[] =>
    values.every((value) => value === values[0]) ? (values[0] as number) : [...values];
  const { addedCondition: added } = config;
  return {
    _class_name: 'UNet2DConditionModel',
    _diffusers_version: '0.35.2',
    act_fn: 'silu',
    ...(added && {
      addition_embed_type: 'text_time',
      addition_time_embed_dim: added.sizeChannels,
      projection_class_embeddings_input_dim: added.channels,
    }),
    attention_head_dim: perLevel(config.attentionHeads),
    block_out_channels: [...config.blockOutChannels],
    center_input_sample: false,
    cross_attention_dim: config.crossAttentionDim,
    down_block_types: [...config.downBlockTypes],
    downsample_padding: 1,
    dropout: 0,
    flip_sin_to_cos: config.flipSinToCos,
    freq_shift: config.freqShift,
    in_channels: config.inChannels,
    layers_per_block: config.layersPerBlock,
    mid_block_scale_factor: 1,
    mid_block_type: 'UNetMidBlock2DCrossAttn',
    norm_eps: config.normEpsilon,
    norm_num_groups: config.normGroups,
    out_channels: config.outChannels,
    sample_size: config.sampleSize,
    transformer_layers_per_block: perLevel(config.transformerLayers),
    up_block_types: [...config.upBlockTypes],
    use_linear_projection: config.useLinearProjection,
  };
}
