import type { SafetensorsFile } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { adaptedPaths } from './adapter-paths';
import { moduleScale } from './module-scale';
import { alphaFromPeftSettings, isObject, type AlphaOf } from './peft-settings';

/** Before the UNet's paths in files that may also hold other parts of a pipeline. */
export const UNET_PREFIX = 'unet.';

/** The metadata key under which diffusers (since 0.34) stores what peft needs to know. */
const ADAPTER_METADATA = 'lora_adapter_metadata';

/** The metadata of a file in diffusers' layout: peft's configuration of the adapter, modules of another rank by their path. */
export function adapterMetadata(adapter: LoraAdapter): Record<string, string> {
  const { rank, alpha, targets } = adapter.config;
  const others = adaptedPaths(adapter)
    .map((path) => [`^${path}`, moduleScale(adapter, path)] as const)
    .filter(([, module]) => module.rank !== rank);
  const settings: Readonly<Record<string, unknown>> = {
    alpha_pattern: Object.fromEntries(others.map(([path, module]) => [path, module.alpha])),
    bias: 'none',
    init_lora_weights: 'gaussian',
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: Object.fromEntries(others.map(([path, module]) => [path, module.rank])),
    target_modules: [...targets].sort(),
    use_dora: false,
    use_rslora: false,
  };
  const entries = Object.entries(settings).map(([key, value]) => [UNET_PREFIX + key, value]);
  return {
    format: 'pt',
    [ADAPTER_METADATA]: JSON.stringify(Object.fromEntries(entries), null, 2),
  };
}

/**
 * The alphas that a file's metadata give.
 *
 * @throws Error as {@link alphaFromPeftSettings} does
 */
export function alphaFromMetadata(file: SafetensorsFile): AlphaOf {
  const text = file.metadata[ADAPTER_METADATA];
  if (text === undefined) return () => undefined;
  const what = `The adapter's ${ADAPTER_METADATA}`;
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch {
    throw new Error(`${what} is not valid JSON.`);
  }
  if (!isObject(settings)) throw new Error(`${what} must hold a JSON object.`);
  // `save_lora_weights` of a pipeline puts the prefix before every name, `save_lora_adapter` of a model none.
  const entries = Object.entries(settings);
  const ofUNet = entries
    .filter(([name]) => name.startsWith(UNET_PREFIX))
    .map(([name, value]) => [name.slice(UNET_PREFIX.length), value] as const);
  const named = entries.filter(([name]) => !name.includes('.'));
  return alphaFromPeftSettings(what, Object.fromEntries([...named, ...ofUNet]));
}
