/** The `unet/config.json` of Stable Diffusion 1.5, as far as it is not what diffusers takes without it. */
export const STABLE_DIFFUSION_1_5 = {
  sample_size: 64,
  in_channels: 4,
  out_channels: 4,
  block_out_channels: [320, 640, 1280, 1280],
  layers_per_block: 2,
  cross_attention_dim: 768,
  attention_head_dim: 8,
  norm_num_groups: 32,
};
