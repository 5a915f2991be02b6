/** The miniature's architecture: Stable Diffusion 1's, scaled down to 64×64 pixels and 8×8×4 latents. */

const diffusersVersion = '0.35.2';

/** Pixels on a side, of images and of latents. */
export const imageSide = 64;
export const latentSide = 8;
export const latentChannels = 4;

/** Tokens that the text encoder sees, start and end included: the longest prompt fits. */
export const textLength = 16;

export const autoencoderConfig = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: diffusersVersion,
  act_fn: 'silu',
  block_out_channels: [16, 32, 64, 64],
  down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
  force_upcast: false,
  in_channels: 3,
  latent_channels: latentChannels,
  layers_per_block: 1,
  norm_num_groups: 8,
  out_channels: 3,
  sample_size: imageSide,
  up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
};

export const unetConfig = {
  _class_name: 'UNet2DConditionModel',
  _diffusers_version: diffusersVersion,
  act_fn: 'silu',
  attention_head_dim: 4,
  block_out_channels: [64, 128],
  center_input_sample: false,
  cross_attention_dim: 128,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: latentChannels,
  layers_per_block: 1,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 16,
  out_channels: latentChannels,
  sample_size: latentSide,
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};

/** The text encoder's configuration for a vocabulary of this size, whose last two entries are start and end. */
export function textEncoderConfig(vocabularySize: number): Record<string, unknown> {
  return {
    architectures: ['CLIPTextModel'],
    attention_dropout: 0,
    bos_token_id: vocabularySize - 2,
    dropout: 0,
    eos_token_id: vocabularySize - 1,
    hidden_act: 'quick_gelu',
    hidden_size: 128,
    initializer_factor: 1,
    initializer_range: 0.02,
    intermediate_size: 512,
    layer_norm_eps: 1e-5,
    max_position_embeddings: textLength,
    model_type: 'clip_text_model',
    num_attention_heads: 4,
    num_hidden_layers: 2,
    pad_token_id: vocabularySize - 1,
    projection_dim: 128,
    torch_dtype: 'float16',
    transformers_version: '4.57.6',
    vocab_size: vocabularySize,
  };
}

export const schedulerConfig = {
  _class_name: 'DDIMScheduler',
  _diffusers_version: diffusersVersion,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  set_alpha_to_one: false,
  steps_offset: 1,
  timestep_spacing: 'leading',
  trained_betas: null,
};
