import type { StableDiffusion } from '@loop-diffusion/diffusion-models';

/** `[height, width, channels]` of the latents that a model was made for. */
export function latentShape(model: StableDiffusion): [number, number, number] {
  const { sampleSize, inChannels } = model.unet.config;
  return [sampleSize, sampleSize, inChannels];
}
