import { formatUNetConfig, parseUNetConfig } from './config';

const published = {
  _class_name: 'UNet2DConditionModel',
  _diffusers_version: '0.6.0',
  act_fn: 'silu',
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  center_input_sample: false,
  cross_attention_dim: 768,
  down_block_types: [
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'DownBlock2D',
  ],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
  sample_size: 64,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};

test('reads what Stable Diffusion 1.5 publishes', () => {
  expect(parseUNetConfig(published)).toMatchObject({
    blockOutChannels: [320, 640, 1280, 1280],
    attentionHeads: [8, 8, 8, 8],
    crossAttentionDim: 768,
    useLinearProjection: false,
  });
});

test('reads what Stable Diffusion 2.1 publishes', () => {
  const config = parseUNetConfig({
    ...published,
    attention_head_dim: [5, 10, 20, 20],
    cross_attention_dim: 1024,
    dual_cross_attention: false,
    num_class_embeds: null,
    only_cross_attention: false,
    upcast_attention: true,
    use_linear_projection: true,
  });
  expect(config).toMatchObject({ attentionHeads: [5, 10, 20, 20], useLinearProjection: true });
});

const publishedXl = {
  ...published,
  addition_embed_type: 'text_time',
  addition_embed_type_num_heads: 64,
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  projection_class_embeddings_input_dim: 2816,
  sample_size: 128,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  use_linear_projection: true,
};

test('reads what Stable Diffusion XL publishes', () => {
  expect(parseUNetConfig(publishedXl)).toMatchObject({
    transformerLayers: [1, 2, 10],
    // Six sizes of 256 channels beside a text embedding of 1280.
    addedCondition: { sizeChannels: 256, channels: 2816 },
  });
});

test('writes what it reads', () => {
  for (const heads of [8, [5, 10, 20, 20]]) {
    const config = parseUNetConfig({ ...published, attention_head_dim: heads });
    const written = formatUNetConfig(config);
    expect(written.attention_head_dim).toEqual(heads);
    expect(parseUNetConfig(written)).toEqual(config);
  }
  const large = parseUNetConfig(publishedXl);
  expect(parseUNetConfig(formatUNetConfig(large))).toEqual(large);
});

test('takes what changes nothing: notes of tools, null, and lists of equal values', () => {
  const changes = {
    // `EMAModel.save_pretrained`
    ...{ decay: 0.9999, inv_gamma: 1, min_decay: 0, optimization_step: 37_000, power: 2 / 3 },
    ...{ update_after_step: 0, use_ema_warmup: false },
    ...{ _note: 'run 7', a_later_option: null },
    ...{ layers_per_block: [2, 2, 2, 2], cross_attention_dim: [768, 768, 768, 768] },
    ...{ sample_size: [64, 64], only_cross_attention: [false, false, false, false] },
  };
  expect(parseUNetConfig({ ...published, ...changes })).toEqual(parseUNetConfig(published));
});

test.each<[string | undefined, unknown, number]>([
  ['0.6.0', 32, 64],
  ['0.8.1', 8, 64],
  ['0.6.0', 96, 96],
  // As StableDiffusionPipeline of diffusers has it, which looks at whole numbers alone.
  ['0.6.0', [32, 32], 32],
  ['0.9.0.dev0', 32, 32],
  ['0.10.2', 32, 32],
  ['1.0.0', 32, 32],
  [undefined, 32, 32],
])('of diffusers %s the sample_size %j means %d', (version, size, expected) => {
  const { sampleSize } = parseUNetConfig({
    ...published,
    _diffusers_version: version,
    sample_size: size,
  });
  expect(sampleSize).toBe(expected);
});

test.each([
  [{ norm_eps: Infinity }, 'norm_eps must be a number, not Infinity'],
  [{ freq_shift: NaN }, 'freq_shift must be a number, not NaN'],
  [{ layers_per_block: [1, 2, 2, 2] }, 'layers_per_block must be a positive integer, not [1,2,2'],
  [{ layers_per_block: [] }, 'layers_per_block must be a positive integer, not []'],
  [{ only_cross_attention: [true, false] }, 'only_cross_attention = [true,false] is not supported'],
  [{ quantization_config: { bits: 4 } }, 'quantization_config = {"bits":4} is not supported'],
  [{ addition_embed_type: 'image' }, 'addition_embed_type = "image" is not supported'],
  [{ addition_embed_type: 'text_time' }, 'addition_time_embed_dim is missing'],
  [{ transformer_layers_per_block: [1, 2, 10] }, 'transformer_layers_per_block has 3 entries'],
  [{ transformer_layers_per_block: [[1], 2, 3, 4] }, 'transformer_layers_per_block must be a list'],
  [{ class_embed_type: 'timestep' }, 'class_embed_type = "timestep" is not supported'],
  [{ dropout: 0.1 }, 'dropout = 0.1 is not supported; supported: 0'],
  [
    { block_out_chanels: [1] },
    'unknown key block_out_chanels. Such a key of a newer diffusers may change the result; remove it',
  ],
  [{ attention_head_dim: 7 }, '320 channels do not divide into attention_head_dim (the number of'],
  [{ attention_head_dim: [5, 10] }, 'attention_head_dim has 2 entries, block_out_channels has 4'],
  [
    { down_block_types: ['AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D', 'DownBlock2D'] },
    'down_block_types: "AttnDownBlock2D" is not supported; supported: CrossAttnDownBlock2D, DownB',
  ],
])('refuses %j', (change, message) => {
  expect(() => parseUNetConfig({ ...published, ...change })).toThrow(
    `UNet2DConditionModel config: ${message}`,
  );
});

test.each([[null], [[]], ['unet']])('refuses %j', (json) => {
  expect(() => parseUNetConfig(json)).toThrow(
    'UNet2DConditionModel config: expected a JSON object',
  );
});
