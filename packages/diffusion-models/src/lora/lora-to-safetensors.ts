import { writeSafetensors } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { weightsToSafetensors } from '../weights';
import { adapterMetadata, UNET_PREFIX } from './adapter-metadata';

/**
 * The adapter as `pytorch_lora_weights.safetensors`, which `pipeline.load_lora_weights` of diffusers reads. Ranks and alphas
 * go into the metadata; loaders that do not look there take alpha = rank.
 */
export function loraToSafetensors(adapter: LoraAdapter): Uint8Array {
  return writeSafetensors(
    weightsToSafetensors(adapter.weights).map(([key, tensor]) => [UNET_PREFIX + key, tensor]),
    adapterMetadata(adapter),
  );
}
