/** What the published Stable Diffusion models look like: their `config.json` files, as far as they say more than the defaults. */

type Json = Readonly<Record<string, unknown>>;

export interface ModelConfiguration {
  readonly isXl: boolean;
  readonly unet: Json;
  readonly vae: Json;
  readonly textEncoders: readonly Json[];
  /** What fills the rows of each tokenizer up. */
  readonly paddings: readonly ('<|endoftext|>' | '!')[];
  readonly scheduler: Json;
}

const CLIP_L = {
  architectures: ['CLIPTextModel'],
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  hidden_act: 'quick_gelu',
  eos_token_id: 2,
};

const AUTOENCODER = {
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array<string>(4).fill('DownEncoderBlock2D'),
  up_block_types: new Array<string>(4).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
  sample_size: 512,
};

const SCHEDULER = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
  clip_sample: false,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

export const CONFIGURATIONS = {
  sd15: {
    isXl: false,
    unet: { sample_size: 64, cross_attention_dim: 768, attention_head_dim: 8 },
    vae: AUTOENCODER,
    textEncoders: [CLIP_L],
    paddings: ['<|endoftext|>'],
    scheduler: { _class_name: 'PNDMScheduler', ...SCHEDULER },
  },
  sd21: {
    isXl: false,
    unet: {
      sample_size: 96,
      cross_attention_dim: 1024,
      attention_head_dim: [5, 10, 20, 20],
      use_linear_projection: true,
      upcast_attention: true,
    },
    vae: { ...AUTOENCODER, sample_size: 768 },
    textEncoders: [
      {
        architectures: ['CLIPTextModel'],
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 23,
        num_attention_heads: 16,
        hidden_act: 'gelu',
      },
    ],
    paddings: ['!'],
    scheduler: { _class_name: 'DDIMScheduler', ...SCHEDULER, prediction_type: 'v_prediction' },
  },
  sdxl: {
    isXl: true,
    unet: {
      sample_size: 128,
      block_out_channels: [320, 640, 1280],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
      attention_head_dim: [5, 10, 20],
      transformer_layers_per_block: [1, 2, 10],
      cross_attention_dim: 2048,
      use_linear_projection: true,
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    },
    vae: { ...AUTOENCODER, sample_size: 1024, scaling_factor: 0.13025, force_upcast: true },
    textEncoders: [
      CLIP_L,
      {
        architectures: ['CLIPTextModelWithProjection'],
        hidden_size: 1280,
        intermediate_size: 5120,
        num_hidden_layers: 32,
        num_attention_heads: 20,
        projection_dim: 1280,
        hidden_act: 'gelu',
        eos_token_id: 2,
      },
    ],
    paddings: ['<|endoftext|>', '!'],
    scheduler: {
      _class_name: 'EulerDiscreteScheduler',
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      num_train_timesteps: 1000,
      prediction_type: 'epsilon',
      timestep_spacing: 'leading',
      steps_offset: 1,
    },
  },
} as const satisfies Record<string, ModelConfiguration>;

export type ModelName = keyof typeof CONFIGURATIONS;
