import { writeSafetensors } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { weightsToSafetensors } from '../weights';

/** Before the UNet's paths in files that may also hold other parts of a pipeline. */
export const UNET_PREFIX = 'unet.';

/** The metadata key under which diffusers (since 0.34) stores what peft needs to know. */
export const ADAPTER_METADATA = 'lora_adapter_metadata';

/**
 * The adapter as `pytorch_lora_weights.safetensors`, which `pipeline.load_lora_weights` of diffusers reads. Rank and alpha
 * go into the metadata; loaders that do not look there take alpha = rank.
 */
export function loraToSafetensors(adapter: LoraAdapter): Uint8Array {
  const { rank, alpha, targets } = adapter.config;
  const settings: Readonly<Record<string, unknown>> = {
    alpha_pattern: {},
    bias: 'none',
    init_lora_weights: 'gaussian',
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    target_modules: [...targets].sort(),
    use_dora: false,
    use_rslora: false,
  };
  const entries = Object.entries(settings).map(([key, value]) => [UNET_PREFIX + key, value]);
  return writeSafetensors(
    weightsToSafetensors(adapter.weights).map(([key, tensor]) => [UNET_PREFIX + key, tensor]),
    { format: 'pt', [ADAPTER_METADATA]: JSON.stringify(Object.fromEntries(entries), null, 2) },
  );
}
